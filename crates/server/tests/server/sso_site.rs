//! A provider, a server that knows it, and browsers that sign in.

use crate::browser::{body, parsed, texts};
use crate::client::{Answer, request};
use crate::provider::{CLIENT, Provider, SECRET, public_key};
use crate::world::World;

const CALLBACK: &str = "http://localhost/login/sso/callback";

/// A provider, a server that knows it, and a database that has its keys.
pub struct Site {
    pub provider: Provider,
    pub world: World,
}

/// A browser that keeps cookies by name.
#[derive(Default, Clone)]
pub struct Jar(Vec<(String, String)>);

impl Jar {
    pub fn cookies(&self) -> String {
        let pairs: Vec<String> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    fn request(&self, world: &World, method: &str, target: &str) -> crate::client::Request {
        let request = request(world.address, method, target).header("Accept", "text/html");
        match self.0.is_empty() {
            true => request,
            false => request.header("Cookie", &self.cookies()),
        }
    }

    pub fn get(&mut self, world: &World, target: &str) -> Answer {
        let answer = self.request(world, "GET", target).send();
        self.keep(&answer);
        answer
    }

    pub fn post(&mut self, world: &World, target: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.request(world, "POST", target);
        let answer = request
            .body("application/x-www-form-urlencoded", body(fields).as_bytes())
            .send();
        self.keep(&answer);
        answer
    }

    fn keep(&mut self, answer: &Answer) {
        for (_, set) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            assert!(set.contains("; Secure; HttpOnly; SameSite="), "{set}");
            let (name, value) = set
                .split(';')
                .next()
                .and_then(|pair| pair.split_once('='))
                .expect("a pair");
            let strict = if name == "__Host-auditlog" {
                "SameSite=Strict"
            } else {
                "SameSite=Lax; Max-Age="
            };
            assert!(
                name.starts_with("__Host-") && set.contains("; Path=/;") && set.contains(strict),
                "{set}"
            );
            self.0.retain(|(other, _)| other != name);
            if !set.contains("Max-Age=0") {
                self.0.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(other, _)| other == name)
    }

    /// Cookies that the browser sends when another site leads here.
    fn lax(&self) -> Jar {
        Jar(self
            .0
            .iter()
            .filter(|(name, _)| name != "__Host-auditlog")
            .cloned()
            .collect())
    }
}

impl Site {
    pub fn new() -> Site {
        Site::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut auditlog_server::config::Given)) -> Site {
        let provider = Provider::start();
        let file = std::env::temp_dir().join(format!("{}-{}", std::process::id(), provider.address.port()));
        std::fs::write(&file, SECRET).expect("a file of a secret");
        let world = World::with(|given| {
            given.sso_issuer = Some(provider.issuer.clone());
            given.sso_client_id = Some(CLIENT.to_owned());
            given.sso_client_secret_file = Some(file.clone());
            given.sso_redirect_url = Some(CALLBACK.to_owned());
            given.sso_scopes = Some("openid email".to_owned());
            given.sso_label = Some("Company <account>".to_owned());
            change(given);
        });
        std::fs::remove_file(&file).expect("it was read");
        let site = Site { provider, world };
        site.set_keys(7, CLIENT);
        site
    }

    pub fn set_keys(&self, seed: u8, audience: &str) {
        let keys = public_key(seed).to_string();
        let sql = "SELECT auditlog.set_token_keys($1, $2, $3)";
        let values: [&(dyn crate::world::postgres::types::ToSql + Sync); 3] = [&keys, &self.provider.issuer, &audience];
        self.world.superuser().execute(sql, &values).expect("keys");
    }

    /// Presses the button: where the browser is led to.
    pub fn begin(&self, jar: &mut Jar, return_to: &str) -> String {
        let page = jar
            .post(&self.world, "/login/sso", &[("return_to", return_to)])
            .expect(200);
        let refresh = page.header("refresh").expect("a way").to_owned();
        refresh.strip_prefix("0; url=").expect("an address").to_owned()
    }

    /// Signs in as somebody at the provider and comes back.
    pub fn come_back(&self, jar: &mut Jar, subject: &str) -> Answer {
        let there = self.begin(jar, "");
        let back = self.provider.approve(&there, subject);
        let mut coming = jar.lax();
        let answer = coming.get(&self.world, &back);
        jar.keep(&answer);
        answer
    }

    /// Somebody who has signed in.
    pub fn browser(&self, subject: &str) -> Jar {
        let mut jar = Jar::default();
        self.come_back(&mut jar, subject).expect(200);
        assert!(jar.has("__Host-auditlog"));
        jar
    }

    pub fn events(&self, jar: &mut Jar) -> Vec<String> {
        let page = parsed(&jar.get(&self.world, "/search?range=all&q=event_type%3Aa.*").expect(200));
        let mut types = texts(&page, "tr.event td.c-type");
        types.sort();
        types
    }
}

/// What a page says is wrong.
pub fn error_of(answer: &Answer) -> String {
    texts(&parsed(answer), "main [role=alert], main .notice").concat()
}
