-- Whose notes were deleted one by one may have no example left, and yet models have learned from them. So the night has to know
-- also when somebody leaves who had said yes.
DROP TRIGGER examples_forgotten;
CREATE TRIGGER examples_forgotten BEFORE DELETE ON people
WHEN EXISTS (SELECT 1 FROM consents WHERE person = OLD.pseudonym AND kind = 'learning' AND answer = 1)
    OR EXISTS (SELECT 1 FROM examples JOIN notes ON notes.id = examples.note WHERE notes.person = OLD.pseudonym)
BEGIN
    INSERT INTO settings (scope, name, value, changed_at)
    VALUES ('store', 'examples_withdrawn_at', strftime('%Y-%m-%dT%H:%M:%f000+00:00'), strftime('%Y-%m-%dT%H:%M:%f000+00:00'))
    ON CONFLICT (scope, name) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at;
END;

DROP TRIGGER learning_withdrawn;
CREATE TRIGGER learning_withdrawn AFTER UPDATE ON consents
WHEN NEW.kind = 'learning' AND NEW.answer = 0 AND (
    OLD.answer = 1
    OR EXISTS (SELECT 1 FROM examples JOIN notes ON notes.id = examples.note WHERE notes.person = NEW.person)
)
BEGIN
    INSERT INTO settings (scope, name, value, changed_at)
    VALUES ('store', 'examples_withdrawn_at', strftime('%Y-%m-%dT%H:%M:%f000+00:00'), strftime('%Y-%m-%dT%H:%M:%f000+00:00'))
    ON CONFLICT (scope, name) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at;
END;
