/*
 * The tag index, read directly. It is found by what it holds: an index on the same expression with
 * another operator class, which somebody made by hand, would find too few events.
 *
 * The functions may raise an ERROR.
 */
#pragma once

#include "tag_ranges.h"

namespace archive {

/* The index of `events` if there is one that can be used; else null. */
Relation open_tag_index(Relation events);

/* Adds the rows with a key of the ranges to the bitmap. Returns their number, in which a row with
 * keys of several ranges may count several times. */
size_t search_tag_index(Relation index, const TagRanges &ranges, TIDBitmap *rows);

} // namespace archive
