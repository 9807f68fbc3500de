//! A browser without a script: keeps the session's cookie, sends forms with the token that the pages have.

use std::net::SocketAddr;

use crate::client::{Answer, Request, escape, request};
use crate::world::World;
use scraper::{Html, Selector};

/// Somebody who has logged in.
pub struct Browser {
    address: SocketAddr,
    pub cookie: String,
    pub csrf: String,
}

/// A form's fields as its body.
pub fn body(fields: &[(&str, &str)]) -> String {
    let pairs = fields
        .iter()
        .map(|(name, value)| format!("{}={}", escape(name), escape(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// Sends the form for logging in.
pub fn sign_in(world: &World, user: &str, password: &str, return_to: &str) -> Answer {
    let fields = body(&[("user", user), ("password", password), ("return_to", return_to)]);
    request(world.address, "POST", "/login")
        .body("application/x-www-form-urlencoded", fields.as_bytes())
        .send()
}

/// The page of an answer, as a parser reads it.
pub fn parsed(answer: &Answer) -> Html {
    Html::parse_document(&answer.text())
}

/// Texts of elements.
pub fn texts(html: &Html, selector: &str) -> Vec<String> {
    let selector = Selector::parse(selector).expect("a selector");
    html.select(&selector).map(|element| element.text().collect()).collect()
}

/// An attribute of elements.
pub fn attributes(html: &Html, selector: &str, name: &str) -> Vec<String> {
    let selector = Selector::parse(selector).expect("a selector");
    let elements = html.select(&selector);
    elements
        .filter_map(|element| element.attr(name).map(str::to_owned))
        .collect()
}

impl Browser {
    /// Logs in as somebody whose password is the name.
    pub fn of(world: &World, name: &str) -> Browser {
        let answer = sign_in(world, name, name, "").expect(303);
        let cookie = answer.header("set-cookie").expect("a cookie");
        let cookie = cookie.split(';').next().expect("a pair").to_owned();
        let mut browser = Browser {
            address: world.address,
            cookie,
            csrf: String::new(),
        };
        let page = browser.get("/help/query");
        let tokens = attributes(&parsed(&page), "input[name=csrf_token]", "value");
        browser.csrf = tokens.first().cloned().unwrap_or_default();
        browser
    }

    pub fn request(&self, method: &str, target: &str) -> Request {
        request(self.address, method, target)
            .header("Cookie", &self.cookie)
            .header("Accept", "text/html")
    }

    pub fn get(&self, target: &str) -> Answer {
        self.request("GET", target).send()
    }

    /// Sends a form with the token.
    pub fn post(&self, target: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_with(target, fields, Some(&self.csrf))
    }

    /// Sends a form with another token, or none.
    pub fn post_with(&self, target: &str, fields: &[(&str, &str)], token: Option<&str>) -> Answer {
        let mut fields = fields.to_vec();
        if let Some(token) = token {
            fields.push(("csrf_token", token));
        }
        self.request("POST", target)
            .body("application/x-www-form-urlencoded", body(&fields).as_bytes())
            .send()
    }
}
