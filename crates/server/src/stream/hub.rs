//! The one connection that listens, and whom it tells.
//!
//! NOTIFY is not stored: after each connect, and now and then without being told, everybody looks once.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio_postgres::AsyncMessage;

use crate::App;
use crate::database::{DatabaseError, Login};

/// Longest time between two attempts to connect.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How often everybody looks without being told.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// How often the connection is tried: a machine that is gone says nothing.
const PROBE: Duration = Duration::from_secs(20);

/// Tells streams that there is something new. It holds a number that grows; what is new, they read themselves.
pub struct Hub {
    bell: watch::Sender<u64>,
    /// Is the connection open?
    pub is_listening: AtomicBool,
}

impl Default for Hub {
    fn default() -> Hub {
        Hub {
            bell: watch::Sender::new(0),
            is_listening: AtomicBool::new(false),
        }
    }
}

impl Hub {
    /// To wait on.
    pub fn listen(&self) -> watch::Receiver<u64> {
        self.bell.subscribe()
    }

    fn ring(&self) {
        self.bell.send_modify(|number| *number += 1);
    }
}

/// Listens until the server stops; reconnects, with longer pauses the longer nobody answers.
pub async fn listen(app: App) {
    let mut stopping = app.stopping.clone();
    let mut pause = Duration::from_millis(100);
    loop {
        let heard = tokio::select! {
            heard = hear(&app) => heard,
            _ = stopping.wait_for(|stop| *stop) => return,
        };
        let was_open = app.hub.is_listening.swap(false, Ordering::Relaxed);
        if let Err(error) = heard {
            tracing::warn!(cause = %crate::logs::visible(&error.to_string()), "the connection that listens was lost");
        }
        pause = if was_open {
            Duration::from_millis(100)
        } else {
            (pause * 2).min(LONGEST_PAUSE)
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
    }
}

async fn hear(app: &App) -> Result<(), DatabaseError> {
    let (connection, mut messages) = app.service.open(&Login::Configured).await?;
    let mut listening = pin!(connection.client.batch_execute("LISTEN auditlog"));
    let mut is_asked = false;
    let mut again = tokio::time::interval(LOOK_AGAIN);
    let mut probe = tokio::time::interval(PROBE);
    probe.reset();
    loop {
        let mut alive = pin!(async {
            probe.tick().await;
            connection.client.check_connection().await
        });
        // The messages must be taken for anything of the connection to go on, the probe's answer too.
        loop {
            tokio::select! {
                message = poll_fn(|context| messages.poll_message(context)) => match message {
                    Some(Ok(AsyncMessage::Notification(_))) => app.hub.ring(),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error.into()),
                    None => return Err(DatabaseError::Unreachable("the connection was closed".to_owned())),
                },
                done = &mut listening, if !is_asked => {
                    done?;
                    is_asked = true;
                    app.hub.is_listening.store(true, Ordering::Relaxed);
                    app.hub.ring();
                }
                _ = again.tick() => app.hub.ring(),
                alive = &mut alive, if is_asked => {
                    alive?;
                    break;
                }
            }
        }
    }
}
