#pragma once

namespace burnish {

/// Ctrl-C as a value. The first SIGINT or SIGTERM asks for an orderly stop; a second one ends the process at once
/// (its children die with it: they are started with a parent-death signal).
void watch_interrupts();

/// Whether a stop was asked for.
bool interrupted();

/// A descriptor that becomes readable when a stop is asked for, to poll beside others; -1 before watch_interrupts().
int interrupt_fd();

}  // namespace burnish
