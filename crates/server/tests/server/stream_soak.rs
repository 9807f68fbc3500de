//! Many subscribers of different rights and queries under load, while server and database are restarted: each gets exactly
//! its events, in order, told of in the journal, and the server's memory stays flat.
//!
//! `AUDITLOG_SOAK=1` chooses the long form (tests/server/soak.sh).

mod expected;
mod people;
mod program;
mod subscriber;
mod writers;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use auditlog_testkit::{Cluster, Options, Random, SetAtEnd, Stop, log, wait_until};

use self::program::{Program, Signal};
use self::subscriber::{Log, Manner, Subscriber};
use crate::world::{World, cluster};

/// Queries, and SQL that means the same.
const QUERIES: [(&str, &str); 20] = [
    ("metadata.shard:7", "shard = '7'"),
    ("metadata.shard:11 OR metadata.shard:12", "shard IN ('11', '12')"),
    ("severity:critical", "severity = 'critical'"),
    ("user:user_17", "actor_id = 'user_17'"),
    (
        "user:user_7 AND status:failed",
        "actor_id = 'user_7' AND status = 'failed'",
    ),
    ("ip:10.0.3.*", "host(ip) LIKE '10.0.3.%'"),
    (
        "ip:10.0.8.0/22 AND severity:>=error",
        "ip <<= '10.0.8.0/22' AND severity = 'critical'",
    ),
    ("zanzibar", "note LIKE '%zanzibar%'"),
    (
        "event_type:cost.* AND NOT status:success AND metadata.shard:[0 TO 20]",
        "event_type LIKE 'cost.%' AND status <> 'success' AND shard::integer BETWEEN 0 AND 20",
    ),
    ("resource.id:i-42", "resource_id = 'i-42'"),
    // one event, and none
    ("metadata.n:1234", "n = '1234'"),
    ("event_type:nowhere.at_all", "false"),
    ("event_type:auditlog.view", "event_type = 'auditlog.view'"),
    (
        "event_type:system.backup AND region:eu-west-1 AND status:failed",
        "event_type = 'system.backup' AND region = 'eu-west-1' AND status = 'failed'",
    ),
    (
        "resource.type:bucket AND metadata.shard:5",
        "resource_type = 'bucket' AND shard = '5'",
    ),
    (
        "NOT event_type:resource.* AND metadata.shard:21",
        "event_type NOT LIKE 'resource.%' AND shard = '21'",
    ),
    (
        "user:user_5 OR user:user_6 OR user:user_99",
        "actor_id IN ('user_5', 'user_6', 'user_99')",
    ),
    (
        "status:failed AND metadata.shard:33",
        "status = 'failed' AND shard = '33'",
    ),
    (
        "event_type:authentication.* AND ip:10.0.17.0/24",
        "event_type LIKE 'authentication.%' AND ip <<= '10.0.17.0/24'",
    ),
    ("", "true"),
];

/// How much.
struct Size {
    subscribers: usize,
    /// Events a second.
    rate: u64,
    seconds: u64,
    writers: u64,
    /// How far a slow reader may lag.
    max_lag: i64,
    is_long: bool,
}

impl Size {
    fn chosen() -> Size {
        let is_long = std::env::var_os("AUDITLOG_SOAK").is_some();
        let (subscribers, rate, seconds, writers, max_lag) = match is_long {
            true => (100, 2_000, 120, 4, 2_000),
            false => (20, 300, 6, 2, 100),
        };
        Size {
            subscribers,
            rate,
            seconds,
            writers,
            max_lag,
            is_long,
        }
    }

    fn total(&self) -> u64 {
        self.rate * self.seconds
    }

    /// Time for something that waits for all subscribers.
    fn patience(&self) -> Duration {
        Duration::from_secs(if self.is_long { 1_200 } else { 120 })
    }
}

fn subscribers(world: &World, size: &Size, start: i64) -> Vec<Subscriber> {
    let people = people::people(world);
    let subscriber = |number: usize| {
        let mut who = people[number % people.len()].clone();
        let (mut query, mut condition) = QUERIES[(number + number / QUERIES.len() * 3) % QUERIES.len()];
        let manner = match number % 10 {
            2 | 7 => Manner::Restless,
            4 => Manner::ByParameter,
            9 => Manner::Slow { max_lag: size.max_lag },
            _ => Manner::Steady,
        };
        if number == 9 {
            // Everything there is, more than it takes.
            who = people::Who::Person("ana");
            (query, condition) = ("", "true");
        } else if query.is_empty() && ["adm", "ana", "com"].contains(&who.login()) {
            (query, condition) = QUERIES[2];
        }
        Subscriber {
            who,
            query,
            condition,
            manner,
            start,
            log: Mutex::new(Log::default()),
            reached: AtomicI64::new(start),
        }
    };
    (0..size.subscribers).map(subscriber).collect()
}

/// What happens while events are recorded: at which part of them.
#[derive(Debug, Clone, Copy)]
enum Blow {
    Server(Signal),
    Database(Stop),
}

const BLOWS: [(f64, Blow); 5] = [
    (0.10, Blow::Server(Signal::Terminate)),
    (0.20, Blow::Database(Stop::Fast)),
    (0.30, Blow::Server(Signal::Kill)),
    (0.40, Blow::Database(Stop::Immediate)),
    // The last life of the server is the longest: its memory is looked at.
    (0.50, Blow::Server(Signal::Terminate)),
];

/// The moment of a crash of the database, which may lose entries of the journal.
fn strike(blow: Blow, program: &Program, cluster: &Cluster) -> Option<Instant> {
    match blow {
        Blow::Server(signal) => program.restart(signal),
        Blow::Database(stop) => {
            cluster.stop(stop);
            let stopped = Instant::now();
            cluster.go();
            return matches!(stop, Stop::Immediate).then_some(stopped);
        }
    }
    None
}

#[test]
fn everybody_gets_exactly_theirs() {
    let size = Size::chosen();
    let options = Options::default().set("auditlog.access_log", "on");
    let cluster: &'static Cluster = Box::leak(Box::new(cluster(&options)));
    let mut world = World::on(cluster, |_| {});
    world.record(&[("a.b", "user_17")]);
    let start = log::scalar(&mut world.superuser(), "SELECT auditlog.tail_position()");
    let subscribers = subscribers(&world, &size, start);
    world.stop();
    let program = Program::start(&world);
    let (recorded, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    let memory = Mutex::new(Vec::new());
    let mut seed = Random::from_clock();
    let (mut crash, mut end) = (None, start);
    let (world, program, memory) = (&world, &program, &memory);
    let found = std::thread::scope(|scope| {
        let (subscribers, recorded, is_over, size) = (&subscribers, &recorded, &is_over, &size);
        let _ended = SetAtEnd(is_over);
        for subscriber in subscribers {
            let random = Random::new(seed.draw());
            scope.spawn(move || subscriber.listen(program.address, random, is_over));
        }
        scope.spawn(move || program.watch(memory, is_over));
        let begun = Instant::now();
        let writers: Vec<_> = (0..size.writers)
            .map(|number| {
                scope.spawn(move || writers::write(world, number, size.writers, size.rate, size.total(), recorded))
            })
            .collect();
        for (part, blow) in BLOWS {
            let wanted = (size.total() as f64 * part) as u64;
            wait_until("events are recorded", size.patience(), || {
                recorded.load(Ordering::SeqCst) >= wanted
            });
            crash = strike(blow, program, cluster).or(crash);
        }
        memory.lock().expect("no panic").clear();
        writers.into_iter().for_each(|writer| writer.join().expect("a writer"));
        let took = begun.elapsed();
        let mut client = world.superuser();
        log::wait_sealed_for(&mut client, size.patience());
        end = log::scalar(&mut client, "SELECT auditlog.tail_position()");
        println!(
            "{} of {} events acknowledged in {took:.1?}, the log went from {start} to {end}",
            recorded.load(Ordering::SeqCst),
            size.total()
        );
        let expected = expected::of(world, subscribers, end);
        let caught_up = Instant::now();
        for (subscriber, expected) in subscribers.iter().zip(&expected) {
            let last = expected.last().copied().unwrap_or(start);
            wait_until(&format!("{} has {last}", name(subscriber)), size.patience(), || {
                subscriber.reached.load(Ordering::SeqCst) >= last
            });
        }
        println!("everybody was there {:.1?} later", caught_up.elapsed());
        // Time for what should not come.
        std::thread::sleep(Duration::from_secs(1));
        expected
    });
    let verdicts = subscribers
        .iter()
        .zip(&found)
        .map(|(one, expected)| judge(one, expected, end));
    let (told, faults): (Vec<_>, Vec<_>) = verdicts.partition(Result::is_ok);
    let told: usize = told.into_iter().flatten().sum();
    println!("{told} events told to {} subscribers", subscribers.len());
    let faults: Vec<String> = faults.into_iter().filter_map(Result::err).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let mut client = world.superuser();
    let stored = log::scalar(
        &mut client,
        "SELECT count(*) FROM auditlog.events AS e WHERE e.actor_id LIKE 'user%' AND e.event_type NOT LIKE 'auditlog.%'",
    );
    assert!(stored > recorded.load(Ordering::SeqCst) as i64, "{stored} are stored");
    expected::assert_journal(world, &subscribers, crash.expect("the database crashed"));
    assert_eq!(log::verify(&mut client), [], "findings of verify()");
    assert_flat(&memory.lock().expect("no panic"), &size);
}

fn name(subscriber: &Subscriber) -> String {
    format!(
        "{:?} of {:?}, {:?}",
        subscriber.who, subscriber.query, subscriber.manner
    )
}

/// Exactly what it may see and has asked for, but for what it was told to be left out? How many that were, or what is wrong.
fn judge(subscriber: &Subscriber, expected: &[i64], end: i64) -> Result<usize, String> {
    let log = subscriber.log.lock().expect("no panic");
    let fault = |what: String| Err(format!("{}: {what}; {} streams", name(subscriber), log.opened));
    let passing = |status: &u16| [429, 503].contains(status);
    if !log.problems.is_empty() || !log.refused.iter().all(passing) {
        return fault(format!("{:?} {:?}", log.problems, log.refused));
    }
    let told: Vec<i64> = log.events.iter().map(|(id, _)| *id).filter(|id| *id <= end).collect();
    let is_skipped = |id: &i64| log.skipped.iter().any(|(first, last)| (first..=last).contains(&id));
    let wanted: Vec<i64> = expected.iter().copied().filter(|id| !is_skipped(id)).collect();
    if told != wanted {
        let at = told.iter().zip(&wanted).take_while(|(one, other)| one == other).count();
        let near = |ids: &[i64]| ids[at.saturating_sub(2)..ids.len().min(at + 4)].to_vec();
        return fault(format!(
            "{} events came, {} were to come; from the {at}th on {:?}, not {:?}; left out {:?}",
            told.len(),
            wanted.len(),
            near(&told),
            near(&wanted),
            log.skipped
        ));
    }
    let is_slow = matches!(subscriber.manner, Manner::Slow { .. });
    if log.skipped.is_empty() && is_slow && subscriber.query.is_empty() {
        return fault("more comes than it takes, and nothing was left out".to_owned());
    }
    if !log.skipped.is_empty() && !is_slow {
        return fault(format!("{:?} was left out, which it has not asked for", log.skipped));
    }
    // Who sleeps, or comes again too late, misses some of the restarts.
    if log.opened < 2 {
        return fault("it has not come again".to_owned());
    }
    Ok(told.len())
}

/// Since the last restart: the second half of the time takes no more than the first, but for a tenth and 4 MB.
fn assert_flat(samples: &[u64], size: &Size) {
    let (first, second) = samples.split_at(samples.len() / 2);
    let largest = |samples: &[u64]| samples.iter().copied().max().expect("samples");
    let (first, second) = (largest(first), largest(second));
    println!(
        "resident memory since the last restart, in kB: at most {first} in the first half, {second} in the second"
    );
    // The short form sees little but the beginning.
    let margin = if size.is_long { first / 10 + 4_096 } else { first / 2 };
    assert!(second <= first + margin, "{first} kB, then {second} kB");
}
