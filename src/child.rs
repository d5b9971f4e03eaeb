//! Children and the process groups that they lead, as the system sees them.
//!
//! Until a child is reaped, nobody else can get its id: whoever first looks whether it has ended, then ends its
//! group and then reaps it hits no stranger.

use std::io;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// Whether a child has ended. It is not reaped by this.
pub(crate) fn has_ended(id: Pid) -> io::Result<bool> {
    let look_only = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    Ok(waitid(WaitId::Pid(id), look_only)?.is_some())
}

/// Sends a signal to the process group that a child leads.
pub(crate) fn signal_group(leader: Pid, signal: Signal) {
    // The only possible failure is that nobody is left to get it.
    let _ = kill_process_group(leader, signal);
}
