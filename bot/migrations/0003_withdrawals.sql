-- When a person whose examples were kept is forgotten, or says that nothing may be learned from them any more, the models
-- that learned from them have to go, too. So the night must know when that last happened; whose examples it were, it need not.
CREATE TRIGGER examples_forgotten BEFORE DELETE ON people
WHEN EXISTS (SELECT 1 FROM examples JOIN notes ON notes.id = examples.note WHERE notes.person = OLD.pseudonym)
BEGIN
    INSERT INTO settings (scope, name, value, changed_at)
    VALUES ('store', 'examples_withdrawn_at', strftime('%Y-%m-%dT%H:%M:%f000+00:00'), strftime('%Y-%m-%dT%H:%M:%f000+00:00'))
    ON CONFLICT (scope, name) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at;
END;

CREATE TRIGGER learning_refused AFTER INSERT ON consents
WHEN NEW.kind = 'learning' AND NEW.answer = 0
    AND EXISTS (SELECT 1 FROM examples JOIN notes ON notes.id = examples.note WHERE notes.person = NEW.person)
BEGIN
    INSERT INTO settings (scope, name, value, changed_at)
    VALUES ('store', 'examples_withdrawn_at', strftime('%Y-%m-%dT%H:%M:%f000+00:00'), strftime('%Y-%m-%dT%H:%M:%f000+00:00'))
    ON CONFLICT (scope, name) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at;
END;

CREATE TRIGGER learning_withdrawn AFTER UPDATE ON consents
WHEN NEW.kind = 'learning' AND NEW.answer = 0
    AND EXISTS (SELECT 1 FROM examples JOIN notes ON notes.id = examples.note WHERE notes.person = NEW.person)
BEGIN
    INSERT INTO settings (scope, name, value, changed_at)
    VALUES ('store', 'examples_withdrawn_at', strftime('%Y-%m-%dT%H:%M:%f000+00:00'), strftime('%Y-%m-%dT%H:%M:%f000+00:00'))
    ON CONFLICT (scope, name) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at;
END;
