//! The witness over HTTP.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use auditlog_tlog::witness::MAX_BODY_BYTES;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, Semaphore};

use super::{Reply, Server, TEXT};
use crate::failure::Failure;

/// How long a request may take to arrive.
const PATIENCE: Duration = Duration::from_secs(20);

/// So many requests are read at once: each takes up to a megabyte.
const AT_ONCE: usize = 64;

struct Shared {
    server: Server,
    room: Semaphore,
}

/// Serves until SIGTERM or SIGINT, then ends what has been begun.
pub(super) fn serve(listen: SocketAddr, server: Server) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(listen)
            .await
            .map_err(|error| Failure::new(format!("cannot listen at {listen}: {error}")))?;
        let stop = Arc::new(Notify::new());
        for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
            let (mut signals, stop) = (signal(kind)?, Arc::clone(&stop));
            tokio::spawn(async move {
                signals.recv().await;
                stop.notify_one();
            });
        }
        let mut out = std::io::stdout();
        writeln!(
            out,
            "listening at http://{}\nvkey: {}",
            listener.local_addr()?,
            server.vkey()
        )?;
        out.flush()?;
        let shared = Arc::new(Shared {
            server,
            room: Semaphore::new(AT_ONCE),
        });
        let router = Router::new()
            .route("/", get(about))
            .route("/add-checkpoint", post(add_checkpoint))
            .with_state(shared);
        axum::serve(listener, router)
            .with_graceful_shutdown(async move { stop.notified().await })
            .await?;
        Ok(())
    })
}

async fn about(State(shared): State<Arc<Shared>>) -> String {
    shared.server.about()
}

async fn add_checkpoint(State(shared): State<Arc<Shared>>, body: Body) -> Response {
    let Ok(_room) = shared.room.try_acquire() else {
        return response((503, TEXT, "too many requests at once\n".to_owned()));
    };
    // one byte more than a request may have is refused by its reader, which says why
    let body = match tokio::time::timeout(PATIENCE, to_bytes(body, MAX_BODY_BYTES + 1)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return response((400, TEXT, format!("a request has at most {MAX_BODY_BYTES} bytes\n"))),
        Err(_) => return response((408, TEXT, "the request did not arrive in time\n".to_owned())),
    };
    let decided = {
        let shared = Arc::clone(&shared);
        tokio::task::spawn_blocking(move || shared.server.add_checkpoint(&body)).await
    };
    response(decided.unwrap_or_else(|_| (500, TEXT, "the witness has failed\n".to_owned())))
}

fn response((status, content_type, body): Reply) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, content_type)], body).into_response()
}
