//! The server from its start to its end.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderName, HeaderValue, header};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate as _};

use crate::app::SetupError;
use crate::config::Settings;
use crate::database::readiness::{self, Unfit};
use crate::http::Problem;
use crate::http::exchange;
use crate::serve::TlsError;
use crate::{App, metrics, openapi, rest, serve, stream, web};

/// How often pools and sessions are looked through.
const TIDY: Duration = Duration::from_secs(10);

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its settings cannot be used.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// Its certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Its address cannot be listened on.
    #[error("{0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// Its database must not be served.
    #[error(transparent)]
    Unfit(#[from] Unfit),
}

/// A server that runs.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where it gives out metrics.
    pub metrics: Option<SocketAddr>,
    /// What its requests share.
    pub app: App,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// Lets requests finish, for a while, and ends.
    pub async fn stop(self) {
        tracing::info!("stopping");
        self.stop.send_replace(true);
        for task in self.tasks {
            // A task that panicked has ended as well.
            let _ = task.await;
        }
    }
}

/// Begins to serve.
///
/// # Errors
/// When that cannot be. A database that does not answer yet is waited for; one that must not be served is refused.
pub async fn start(settings: Settings) -> Result<Running, StartError> {
    let (stop, stopping) = watch::channel(false);
    let tls = match &settings.tls {
        Some((certificate, key)) => Some(serve::tls(certificate, key)?),
        None => None,
    };
    let (listen, metrics_listen, grace) = (settings.listen, settings.metrics_listen, settings.shutdown_grace);
    let app = App::new(settings, stopping.clone())?;
    match readiness::check(&app.service).await {
        Ok(fit) => tracing::info!(
            postgres = fit.postgres,
            extension = fit.extension,
            "the database is ready"
        ),
        Err(Unfit::Database(error)) => {
            tracing::warn!(cause = %crate::logs::visible(&error.to_string()), "the database does not answer yet");
        }
        Err(unfit) => return Err(unfit.into()),
    }
    let bind = async |address: SocketAddr| {
        let listener = TcpListener::bind(address)
            .await
            .map_err(|error| StartError::Listen(address, error))?;
        let bound = listener
            .local_addr()
            .map_err(|error| StartError::Listen(address, error))?;
        Ok::<_, StartError>((listener, bound))
    };
    let (listener, address) = bind(listen).await?;
    let is_tls = tls.is_some();
    let mut tasks = vec![
        tokio::spawn(serve::serve(listener, tls, router(&app), stopping.clone(), grace)),
        tokio::spawn(stream::listen(app.clone())),
        tokio::spawn(tidy(app.clone())),
    ];
    let mut metrics = None;
    if let Some(wanted) = metrics_listen {
        let (listener, bound) = bind(wanted).await?;
        metrics = Some(bound);
        let router = Router::new()
            .route("/metrics", get(figures))
            // In plain HTTP whatever the other listener speaks: what looks after containers asks here.
            .route("/health", get(health))
            .with_state(app.clone());
        tasks.push(tokio::spawn(serve::serve(listener, None, router, stopping, grace)));
    }
    tracing::info!(%address, tls = is_tls, "serving");
    Ok(Running {
        address,
        metrics,
        app,
        stop,
        tasks,
    })
}

/// Everything that the server answers to.
pub fn router(app: &App) -> Router {
    let (rest, _) = rest::router().split_for_parts();
    // What comes bit by bit must not be held back.
    let compress = DefaultPredicate::new().and(NotForContentType::const_new("text/event-stream"));
    rest.merge(web::router())
        .route("/openapi.json", get(description))
        .route("/health", get(health))
        .route("/ready", get(ready))
        .fallback(exchange::nowhere)
        .layer(CompressionLayer::new().compress_when(compress))
        .layer(DefaultBodyLimit::max(app.settings.body_limit))
        .layer(axum::middleware::from_fn_with_state(app.clone(), web::faults::shown))
        .layer(axum::middleware::from_fn_with_state(app.clone(), exchange::around))
        .with_state(app.clone())
}

async fn description() -> Json<utoipa::openapi::OpenApi> {
    Json(openapi::document())
}

/// The process lives.
async fn health() -> Json<serde_json::Value> {
    Json(json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}))
}

/// The database can be reached, and is one that may be served.
async fn ready(State(app): State<App>) -> Response {
    if *app.stopping.borrow() {
        return Problem::unavailable("The server is stopping.").into_response();
    }
    match readiness::check(&app.service).await {
        Ok(fit) => Json(json!({
            "status": "ok", "postgres": fit.postgres, "extension": fit.extension, "standby": fit.is_standby,
            "listening": app.hub.is_listening.load(std::sync::atomic::Ordering::Relaxed),
        }))
        .into_response(),
        Err(Unfit::Database(_)) => Problem::unavailable("The database cannot be reached.").into_response(),
        Err(unfit) => Problem::unavailable(format!("{unfit}.")).into_response(),
    }
}

async fn figures(State(app): State<App>) -> Response {
    let mut response = metrics::text(&app).await.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"),
    );
    headers.insert(
        HeaderName::from_static("x-content-type-options"),
        HeaderValue::from_static("nosniff"),
    );
    response
}

async fn tidy(app: App) {
    let mut stopping = app.stopping.clone();
    loop {
        tokio::select! {
            () = tokio::time::sleep(TIDY) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
        app.sessions.tidy();
        app.people.tidy();
        if let Some(single_sign_on) = &app.single_sign_on {
            single_sign_on.tidy();
        }
        if let Some(bearers) = &app.bearers {
            bearers.tidy();
        }
    }
}

/// Until the process is told to end: SIGTERM, or Ctrl-C.
pub async fn until_told(_running: &Running) {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
