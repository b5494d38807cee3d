-- Questions and answers as they are searched; `store/text.rs` cuts them into terms.
CREATE TABLE terms (
    rowid BIGINT PRIMARY KEY REFERENCES rows (id) ON DELETE CASCADE,
    body TSVECTOR NOT NULL
);
-- What was just added is found at once rather than through a list that is merged now and then.
CREATE INDEX terms_by_body ON terms USING gin (body) WITH (fastupdate = off);

-- Whose turn an item is: the number of a worker, which holds a lock of that number for as long as its connection lives.
ALTER TABLE items ADD COLUMN worker BIGINT;
CREATE SEQUENCE workers MAXVALUE 2147483647 CYCLE;
-- What was put off is anybody's when its time comes.
CREATE FUNCTION free_item() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.worker = NULL;
    RETURN NEW;
END
$$;
CREATE TRIGGER items_put_off BEFORE UPDATE OF not_before ON items FOR EACH ROW EXECUTE FUNCTION free_item();

-- Counts by facet, kept as rows come, go and change. A change counts both its facets in the order of their keys, so that
-- two of them do not wait for each other.
CREATE FUNCTION count_facet(counted rows, change BIGINT) RETURNS void LANGUAGE sql AS $$
    INSERT INTO facets VALUES (counted.dataset, counted.state, counted.language, counted.type, counted.persona,
        counted.difficulty, counted.split, counted.topic, change)
    ON CONFLICT (dataset, state, language, type, persona, difficulty, split, topic)
    DO UPDATE SET num = facets.num + excluded.num;
$$;
CREATE FUNCTION count_facets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM count_facet(NEW, 1);
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM count_facet(OLD, -1);
    ELSIF (OLD.state, OLD.language, OLD.type, OLD.persona, OLD.difficulty, OLD.split, OLD.topic)
        < (NEW.state, NEW.language, NEW.type, NEW.persona, NEW.difficulty, NEW.split, NEW.topic) THEN
        PERFORM count_facet(OLD, -1);
        PERFORM count_facet(NEW, 1);
    ELSE
        PERFORM count_facet(NEW, 1);
        PERFORM count_facet(OLD, -1);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER facets_count
    AFTER INSERT OR DELETE OR UPDATE OF state, language, type, persona, difficulty, split, topic ON rows
    FOR EACH ROW EXECUTE FUNCTION count_facets();

-- A dataset's counts change with every row; room in the page keeps them in their place.
ALTER TABLE facets SET (fillfactor = 50);
ALTER TABLE cells SET (fillfactor = 50);
ALTER TABLE stages SET (fillfactor = 50);

CREATE TABLE store_format (number BIGINT NOT NULL);
