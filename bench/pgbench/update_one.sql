\set id random(1, :rows)
UPDATE bench.account SET balance = balance + 1, updated_at = now() WHERE id = :id;
