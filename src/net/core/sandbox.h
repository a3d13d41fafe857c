/*
 * What the process gives up before it sees the first byte: it dies with its parent, gains no
 * privilege, dumps no core, has bounded memory, no descriptor but the link, and an empty
 * environment.
 */
#pragma once

#include <cstddef>

namespace net {

/*
 * `link` is one end of a socketpair whose other end is held by the parent, who made it; all
 * descriptors above it are closed. `memory` bounds the address space, in bytes. Throws
 * std::system_error, or std::runtime_error if the parent is gone already.
 */
void enter_sandbox(int link, size_t memory);

} // namespace net
