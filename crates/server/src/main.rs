//! The program: reads its settings, serves until it is told to stop.
#![forbid(unsafe_code)]

use auditlog_server::{Settings, logs, start};

fn main() -> std::process::ExitCode {
    let settings = match Settings::of_the_process() {
        Ok(settings) => settings,
        Err(error) => return failed(&error),
    };
    if let Err(error) = logs::install(&settings.log) {
        return failed(&error);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    runtime.block_on(async {
        let running = match start(settings).await {
            Ok(running) => running,
            Err(error) => return failed(&error),
        };
        auditlog_server::run::until_told(&running).await;
        running.stop().await;
        std::process::ExitCode::SUCCESS
    })
}

/// Says on one line why the server does not run.
fn failed(error: &dyn std::error::Error) -> std::process::ExitCode {
    eprintln!("auditlog-server: {error}");
    std::process::ExitCode::FAILURE
}
