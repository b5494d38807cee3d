-- Questions and answers as they are searched; `store/text.rs` cuts them into terms.
CREATE VIRTUAL TABLE terms USING fts5 (body, content = '', contentless_delete = 1, detail = 'full');

-- Counts by facet, kept as rows come, go and change.
CREATE TRIGGER facets_insert AFTER INSERT ON rows BEGIN
    INSERT INTO facets VALUES
        (new.dataset, new.state, new.language, new.type, new.persona, new.difficulty, new.split, new.topic, 1)
    ON CONFLICT DO UPDATE SET num = num + 1;
END;
CREATE TRIGGER facets_delete AFTER DELETE ON rows BEGIN
    UPDATE facets SET num = num - 1 WHERE dataset = old.dataset AND state = old.state AND language = old.language
        AND type = old.type AND persona = old.persona AND difficulty = old.difficulty AND split = old.split
        AND topic = old.topic;
END;
CREATE TRIGGER facets_update AFTER UPDATE OF state, language, type, persona, difficulty, split, topic ON rows BEGIN
    UPDATE facets SET num = num - 1 WHERE dataset = old.dataset AND state = old.state AND language = old.language
        AND type = old.type AND persona = old.persona AND difficulty = old.difficulty AND split = old.split
        AND topic = old.topic;
    INSERT INTO facets VALUES
        (new.dataset, new.state, new.language, new.type, new.persona, new.difficulty, new.split, new.topic, 1)
    ON CONFLICT DO UPDATE SET num = num + 1;
END;
