#pragma once

namespace burnish {

/// Reads and writes a buffer larger than the caches that this machine's cores share, without other threads.
void sweep_caches();

}  // namespace burnish
