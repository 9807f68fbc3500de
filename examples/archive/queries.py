"""The queries of the product's description as SQL that both engines read: name and text. `events` is the archive."""

QUERIES = [
    ("events", "SELECT count(*) FROM events"),
    ("by type", "SELECT event_type, count(*) AS n FROM events GROUP BY event_type ORDER BY n DESC, event_type"),
    ("event_type:resource.delete", "SELECT count(*) FROM events WHERE event_type = 'resource.delete'"),
    ("actor.email:*@example.org", "SELECT count(*) FROM events WHERE actor_email LIKE '%@example.org'"),
    ("event_type:authentication.* AND actor.id:u3", "SELECT count(*) FROM events WHERE event_type LIKE 'authentication.%' AND actor_id = 'u3'"),
    ("resource.id:r2, newest first", "SELECT log_index, event_type, actor_id FROM events WHERE resource_id = 'r2' ORDER BY log_index DESC LIMIT 3"),
]


def show(name, rows):
    """One line for a query, alike for both engines."""
    print(f"{name}: " + "; ".join(" ".join(str(cell) for cell in row) for row in rows))
