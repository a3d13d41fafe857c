/*
 * Reads the tag index directly. The index is found by its definition: an index that a user made on
 * the same expression with another operator class would find too few events.
 *
 * The functions may raise an ERROR.
 */
#pragma once

#include "tag_ranges.h"

namespace archive {

/* The tag index of `events`; null if there is no usable one. */
Relation open_tag_index(Relation events);

/* Adds the rows with a key in the ranges to the bitmap. Returns the number of rows; a row with keys
 * in several ranges may count several times. */
size_t search_tag_index(Relation index, const TagRanges &ranges, TIDBitmap *rows);

} // namespace archive
