DROP TABLE model_prices;
DROP TABLE metrics;
DROP TABLE budget_reservations;
DROP TABLE budgets;
DROP TABLE cost_entries;
DROP INDEX sessions_team_archived;
DROP INDEX sessions_archive;
ALTER TABLE sessions DROP COLUMN archive_id;
DROP TABLE working_directory_archives;
