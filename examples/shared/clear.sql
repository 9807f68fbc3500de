-- Drops what an earlier run in this session left behind when it failed; DROP IF EXISTS would chat.
SELECT format('DROP TABLE pg_temp.%I', relname) FROM pg_class
WHERE relnamespace = pg_my_temp_schema() AND relname IN ('line', 'mapped', 'recorded') \gexec
