-- From now on `in_baseline` is the place of a note in its person's baseline, from 1 on: how far it has faded there is told by
-- how many came after it, deleted ones included, in the order in which they were kept.
UPDATE examples SET in_baseline = coalesce(
    (
        SELECT b.n_notes - (
            SELECT count(*) FROM examples l JOIN notes m ON m.id = l.note
            WHERE m.person = n.person AND l.in_baseline AND l.note > n.id
        )
        FROM notes n JOIN baselines b ON b.person = n.person WHERE n.id = examples.note
    ),
    0
)
WHERE in_baseline;
