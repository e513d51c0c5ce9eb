//! `provost hook-server`: judges events for those who ask; hidden, because hook clients start it.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Args;

use crate::{
    failure::{Code, Failure},
    hook_server::{Place, serve},
};

#[derive(Debug, Args)]
pub(crate) struct HookServer {
    /// The folder of its socket.
    folder: PathBuf,
    /// It ends when nobody asked for so many seconds.
    idle_seconds: u64,
}

impl HookServer {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let idle = Duration::from_secs(self.idle_seconds);
        let place = Place::at(self.folder).ok_or_else(|| {
            Failure::new(Code::Failed, "this program cannot see the root of its file system")
        })?;
        runtime.block_on(serve(place, idle)).map(|()| ExitCode::SUCCESS)
    }
}
