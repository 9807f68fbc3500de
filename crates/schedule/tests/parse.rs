//! What is read and what is refused, where, and how it is written back.

use auditlog_schedule::{ErrorKind, Schedule, ScheduleError};
use proptest::prelude::*;

fn refused(text: &str) -> ScheduleError {
    Schedule::parse(text).expect_err(text)
}

#[test]
fn normalised_text() {
    for (text, normal) in [
        ("* * * * *", "* * * * *"),
        ("  05\t4  *   * *", "5 4 * * *"),
        ("0 0 1 JAN-Mar/2 Mon,FRI", "0 0 1 1-3/2 1,5"),
        ("*/1 1-1 1-31/1 * 7", "* 1 1-31 * 0"),
        ("0 0 * * 7-7,7", "0 0 * * 0,0"),
        ("*/99 5-9/10 * * 5-7", "*/60 5 * * 5-7"),
        ("0 12 $ * *", "0 12 $ * *"),
        ("*,5 *,*/2 * * *", "*,5 *,*/2 * * *"),
        ("\n# every night\n\n 0 3 * * *\r\n", "0 3 * * *"),
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@midnight \n", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("@restart", "@reboot"),
        ("30 SECONDS", "30 seconds"),
        ("1 seconds", "1 second"),
    ] {
        let schedule = Schedule::parse(text).expect(text);
        assert_eq!(schedule.to_string(), normal, "{text:?}");
        assert_eq!(Schedule::parse(normal).as_ref(), Ok(&schedule), "{text:?}");
    }
}

#[test]
fn refused_as_pg_cron_refuses() {
    for (text, position, message) in [
        ("", 1, "the minute is missing"),
        ("# nothing", 10, "the minute is missing"),
        ("0 3 * *", 8, "the day of the week is missing"),
        ("60 * * * *", 1, "there is no minute 60"),
        ("0 24 * * *", 3, "there is no hour 24"),
        ("0 0 0 * *", 5, "there is no day of the month 0"),
        ("0 0 1 13 *", 7, "there is no month 13"),
        ("0 0 1 1 8", 9, "there is no day of the week 8"),
        ("5-64/30 * * * *", 3, "there is no minute 64"),
        ("1/5 * * * *", 2, "a step follows a single minute"),
        ("*/0 * * * *", 3, "a step of \"0\" is not possible"),
        ("*/ * * * *", 3, "no number follows the \"/\" of the minute"),
        ("*/x * * * *", 3, "no number follows the \"/\" of the minute"),
        ("1, * * * *", 3, "the minute is missing"),
        (",1 * * * *", 1, "\",1\" is not a valid minute"),
        ("1- * * * *", 3, "the minute is missing"),
        ("-1 * * * *", 1, "\"-1\" is not a valid minute"),
        ("? * * * *", 1, "\"?\" is not a valid minute"),
        ("0 0 L * *", 5, "\"L\" is not a valid day of the month"),
        ("0 0 $", 5, "\"$\" is not a valid day of the month"),
        ("0 0 $,1 * *", 5, "\"$,1\" is not a valid day of the month"),
        ("0 0 * $ *", 7, "\"$\" is not a valid month"),
        ("0 0 * january *", 7, "\"january\" is not a valid month"),
        ("0 0 * * monday", 9, "\"monday\" is not a valid day of the week"),
        ("0 0 * mon *", 7, "\"mon\" is not a valid month"),
        ("0 0\n* * *", 4, "the day of the month is missing"),
        ("ä * * * *", 1, "\"ä\" is not a valid minute"),
        ("@Daily", 1, "there is no schedule \"@Daily\""),
        ("@daily\r", 1, "there is no schedule \"@daily\\r\""),
        ("@every 5m", 1, "there is no schedule \"@every\""),
        ("60 seconds", 1, "an interval of 60 seconds is not possible"),
        ("5 sec", 3, "\"sec\" is not \"seconds\""),
        ("5 minutes", 3, "an interval in \"minutes\" is not possible"),
        ("5 x", 3, "\"x\" is not a valid hour"),
    ] {
        let error = refused(text);
        assert_eq!(
            (error.kind, error.position, error.message.as_str()),
            (ErrorKind::Syntax, position, message),
            "{text:?}"
        );
    }
    assert_eq!(refused(&format!("{:1000}", "* * * * *")).position, 1000);
    assert!(Schedule::parse(&format!("{:999}", "* * * * *")).is_ok());
}

#[test]
fn refused_because_pg_cron_reads_something_else() {
    for (text, position, hint) in [
        ("0 22-3 * * *", 3, "\"22-23,0-3\""),
        ("0 0 * nov-feb *", 7, "\"11-12,1-2\""),
        ("0 0 * * sat-sun", 9, "\"6-7\""),
        ("0 0 * * fri-mon", 9, "\"5-6,0-1\""),
        ("*-5 * * * *", 2, "Remove it"),
        ("0 0 * * 5#2", 10, "n-th weekday"),
        ("0 0 15W * *", 5, "a list such as \"1,3\""),
        ("1;2 * * * *", 2, "comma"),
        ("0 0 * * * *", 11, "stands for seconds"),
        ("* * * * * vacuum", 11, "belongs to the command"),
        ("@daily at noon", 8, "five fields"),
        ("4294967301 * * * *", 1, "0 to 59"),
        ("*/4294967297 * * * *", 3, "from 1 on"),
    ] {
        let error = refused(text);
        assert_eq!(error.position, position, "{text:?}");
        assert!(error.hint.contains(hint), "{text:?}: {}", error.hint);
        // 15W is one word to pg_cron, and no number
        let kind = if text.contains('W') {
            ErrorKind::Syntax
        } else {
            ErrorKind::Misread
        };
        assert_eq!(error.kind, kind, "{text:?}");
    }
}

#[test]
fn hints_are_schedules() {
    for text in [
        "1/5 * * * *",
        "1/5,7 * * * *",
        "0 22-3 * * *",
        "0 0 * nov-feb *",
        "0 0 * * sat-sun",
        "0 0 * * fri-mon",
    ] {
        let hint = refused(text).hint;
        let field = hint.split('"').nth(1).expect("a field in quotes");
        let bad = text
            .split(' ')
            .find(|word| word.contains(['/', '-']))
            .expect("the field");
        let better = text.replace(bad, field);
        assert!(Schedule::parse(&better).is_ok(), "{better}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn nothing_panics(text in "\\PC{0,40}") {
        if let Err(error) = Schedule::parse(&text) {
            prop_assert!(error.position <= text.chars().count() + 1);
            prop_assert!(!error.hint.is_empty());
        }
    }

    #[test]
    fn almost_schedules_come_back(text in "[ \t\n]?([*$@/,#0-9a-jn-]{1,5}[ \t]){3,6}(seconds|mon|\\*)?") {
        if let Ok(schedule) = Schedule::parse(&text) {
            let normal = schedule.to_string();
            prop_assert_eq!(Schedule::parse(&normal), Ok(schedule), "{}", normal);
        }
    }
}
