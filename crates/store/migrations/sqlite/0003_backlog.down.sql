DROP TABLE task_notes;
DROP TABLE task_history;
DROP TABLE task_dependencies;
DROP TABLE tasks;
DROP TABLE features;
DROP TABLE epics;
DROP TABLE workflows;
DROP TABLE key_counters;
