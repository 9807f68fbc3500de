//! The transparency log, by the paths of C2SP tlog-tiles.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{List, list};
use crate::App;
use crate::data::proofs::{self, Checkpoint};
use crate::database::Access;
use crate::http::inputs::Place;
use crate::http::{Params, Problem, conditional};
use crate::identity::Caller;

/// Hashes of a full tile.
const WIDTH: usize = 256;
/// Bytes of a hash.
const HASH: usize = 32;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(checkpoint))
        .routes(routes!(checkpoints, sign))
        .routes(routes!(key))
        .routes(routes!(tile))
        .routes(routes!(consistency))
}

fn text(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

/// The newest signed checkpoint
#[utoipa::path(get, path = "/api/v1/log/checkpoint", tag = "integrity",
    responses((status = 200, description = "A signed note (C2SP tlog-checkpoint)", body = String, content_type = "text/plain")))]
async fn checkpoint(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let transaction = caller.begin(&app, Access::Read).await?;
    let note = proofs::newest(&transaction).await?;
    transaction.commit().await?;
    note.map(text).ok_or_else(|| Problem::not_found("A checkpoint"))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Below {
    /// At most so many.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<i64>,
    /// Over fewer events than this.
    below: Option<i64>,
}

/// Signed checkpoints, the newest first
#[utoipa::path(get, path = "/api/v1/log/checkpoints", tag = "integrity", params(Below),
    responses((status = 200, description = "Checkpoints", body = List<Checkpoint>)))]
async fn checkpoints(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<Below>,
) -> Result<Json<List<Checkpoint>>, Problem> {
    let limit = super::limit(params.limit.unwrap_or(100))?;
    let transaction = caller.begin(&app, Access::Read).await?;
    let found = proofs::checkpoints(&transaction, limit, params.below).await?;
    transaction.commit().await?;
    Ok(list(found))
}

/// Sign a checkpoint over all that is sealed now
#[utoipa::path(post, path = "/api/v1/log/checkpoints", tag = "integrity",
    responses((status = 200, description = "A signed note", body = String, content_type = "text/plain")))]
async fn sign(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let transaction = caller.begin(&app, Access::Write).await?;
    let note = proofs::sign(&transaction).await?;
    transaction.commit().await?;
    note.map(text).ok_or_else(|| Problem::not_found("A checkpoint"))
}

/// The public key of a log.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct Key {
    /// As C2SP vkey.
    vkey: String,
}

/// The key that checks the checkpoints; keep it outside of this server
#[utoipa::path(get, path = "/api/v1/log/key", tag = "integrity", responses((status = 200, description = "The key", body = Key)))]
async fn key(State(app): State<App>, caller: Caller) -> Result<Json<Key>, Problem> {
    let transaction = caller.begin(&app, Access::Read).await?;
    let vkey = proofs::public_key(&transaction).await?;
    transaction.commit().await?;
    vkey.map(|vkey| Json(Key { vkey }))
        .ok_or_else(|| Problem::not_found("A key"))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Sizes {
    /// The smaller log.
    #[param(minimum = 1)]
    old: i64,
    /// The greater one; that of the newest checkpoint unless given.
    #[param(minimum = 1)]
    new: Option<i64>,
}

/// Proof that the log begins with what it was before
#[utoipa::path(get, path = "/api/v1/log/consistency", tag = "integrity", params(Sizes),
    responses((status = 200, description = "Hashes in base64, one a line", body = String, content_type = "text/plain")))]
async fn consistency(
    State(app): State<App>,
    caller: Caller,
    Params(sizes): Params<Sizes>,
) -> Result<Response, Problem> {
    let transaction = caller.begin(&app, Access::Read).await?;
    let proof = proofs::consistency(&transaction, sizes.old, sizes.new).await?;
    transaction.commit().await?;
    proof.map(text).ok_or_else(|| Problem::not_found("A proof"))
}

/// A tile of the tree: `tile/<level>/<index>`, with `.p/<width>` behind it for a part of one
#[utoipa::path(get, path = "/api/v1/log/tile/{level}/{*index}", tag = "integrity",
    params(("level" = i32, Path, description = "0 for the events' own hashes"), ("index" = String, Path, description = "x001/x234/067 and perhaps .p/8")),
    responses((status = 200, description = "32 bytes a hash", body = Vec<u8>, content_type = "application/octet-stream"), (status = 304, description = "Unchanged")))]
async fn tile(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Place((level, place)): Place<(i32, String)>,
) -> Result<Response, Problem> {
    let strange = || Problem::not_found("A tile of this name");
    let (index, width) = parse(&place).ok_or_else(strange)?;
    if !(0..=63).contains(&level) {
        return Err(strange());
    }
    let transaction = caller.begin(&app, Access::Read).await?;
    let hashes = proofs::tile(&transaction, level, index).await?;
    transaction.commit().await?;
    let hashes = hashes.ok_or_else(strange)?;
    // What a tile has never changes, so that a part of it is there for good.
    let bytes = hashes.get(..width * HASH).ok_or_else(strange)?.to_vec();
    let tag = format!("{level}-{index}-{width}");
    let answer = ([(header::CONTENT_TYPE, "application/octet-stream")], bytes);
    Ok(conditional::tagged(
        &headers,
        &tag,
        "private, max-age=31536000, immutable",
        answer,
    ))
}

/// `x001/x234/067.p/8` as index and width.
fn parse(place: &str) -> Option<(i64, usize)> {
    let (index, width) = match place.split_once(".p/") {
        Some((index, width)) => (index, width.parse().ok().filter(|width| (1..WIDTH).contains(width))?),
        None => (place, WIDTH),
    };
    let mut parts = index.split('/').peekable();
    let mut number: i64 = 0;
    let mut is_first = true;
    while let Some(part) = parts.next() {
        let digits = match (part.strip_prefix('x'), parts.peek()) {
            (Some(digits), Some(_)) => digits,
            (None, None) => part,
            _ => return None,
        };
        if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        // One name for each tile, as caches want it.
        if is_first && digits == "000" && parts.peek().is_some() {
            return None;
        }
        is_first = false;
        number = number.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
    }
    Some((number, width))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn names_of_tiles() {
        assert_eq!(parse("067"), Some((67, 256)));
        assert_eq!(parse("x001/x234/067"), Some((1_234_067, 256)));
        assert_eq!(parse("x001/234.p/8"), Some((1_234, 8)));
        for wrong in [
            "67",
            "x001",
            "001/234",
            "x000/001",
            "000.p/0",
            "000.p/256",
            "000.p/",
            "",
            "x001/x234",
            "-01",
            "999/",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
