//! Recording and reading back.

#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    #[pg_test]
    fn an_event_can_be_read_back_in_its_own_transaction() {
        let id = Spi::get_one::<String>("SELECT auditlog.record('{\"event_type\": \"resource.modify\"}')")
            .unwrap()
            .unwrap();
        let found =
            Spi::get_one_with_args::<i64>("SELECT count(*) FROM auditlog.events WHERE event_id = $1", &[id.into()]);
        assert_eq!(found, Ok(Some(1)));
    }
}
