-- The reply under which the question is being put, until it is recorded that it stands; after a kill it is looked for there.
ALTER TABLE people ADD COLUMN learning_asked_under INTEGER;
