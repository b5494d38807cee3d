"""The official OpenAI client against a running Haetae.

HAETAE_URL is the server's address (http://127.0.0.1:8080), HAETAE_API_KEY its key where it has one. The models are
taken from /v1/models: the bare language model comes first, the embedding model last.
"""

import base64
import json
import math
import os
import struct
import time
import unittest
import urllib.request

import openai

URL = os.environ["HAETAE_URL"].rstrip("/")
KEY = os.environ.get("HAETAE_API_KEY")
client = openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY or "none", max_retries=0)
MODELS = [model.id for model in client.models.list()]
BARE, EMBEDDER = MODELS[0], MODELS[-1]
GREETING = [{"role": "user", "content": "Say hello."}]
QUESTION = [{"role": "user", "content": "Is a buying commission part of the customs value?"}]


def read_document(name):
    """The text that a citation points into: not OpenAI's API, so not by its client."""
    request = urllib.request.Request(f"{URL}/api/documents/{name}")
    if KEY:
        request.add_header("Authorization", f"Bearer {KEY}")
    with urllib.request.urlopen(request) as response:
        return json.load(response)["text"]


class Models(unittest.TestCase):
    def test_the_corpora_stand_beside_the_bare_model(self):
        self.assertIn("customs-valuation", MODELS)
        self.assertIn("general", MODELS)

    def test_a_model_is_retrieved(self):
        self.assertEqual(client.models.retrieve(BARE).id, BARE)

    def test_an_unknown_model_is_not_found(self):
        with self.assertRaises(openai.NotFoundError) as raised:
            client.models.retrieve("gpt-9")
        self.assertEqual(raised.exception.code, "model_not_found")


class Chat(unittest.TestCase):
    def test_an_answer_with_usage(self):
        answer = client.chat.completions.create(model=BARE, messages=GREETING, max_completion_tokens=16)
        self.assertEqual(answer.object, "chat.completion")
        self.assertTrue(answer.choices[0].message.content)
        self.assertEqual(answer.choices[0].message.role, "assistant")
        self.assertIn(answer.choices[0].finish_reason, ("stop", "length"))
        usage = answer.usage
        self.assertGreater(usage.prompt_tokens, 0)
        self.assertLessEqual(usage.completion_tokens, 16)
        self.assertEqual(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens)

    def test_the_stream_adds_up_to_the_whole(self):
        asked = {"model": BARE, "messages": GREETING, "max_completion_tokens": 16, "temperature": 0}
        whole = client.chat.completions.create(**asked)
        chunks = list(client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        self.assertEqual(text, whole.choices[0].message.content)
        self.assertEqual(chunks[-1].choices, [])
        self.assertEqual(chunks[-1].usage.completion_tokens, whole.usage.completion_tokens)
        self.assertTrue(all(chunk.usage is None for chunk in chunks[:-1]))
        reasons = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
        self.assertEqual(reasons, [whole.choices[0].finish_reason])

    def test_several_answers(self):
        answer = client.chat.completions.create(model=BARE, messages=GREETING, n=2, max_completion_tokens=8)
        self.assertEqual([choice.index for choice in answer.choices], [0, 1])

    def test_a_stop_string_is_not_in_the_answer(self):
        asked = {"model": BARE, "messages": GREETING, "max_completion_tokens": 16, "temperature": 0}
        whole = client.chat.completions.create(**asked).choices[0].message.content
        word = whole.split()[-1]
        stopped = client.chat.completions.create(**asked, stop=[word]).choices[0]
        self.assertEqual(stopped.message.content, whole[: whole.index(word)])
        self.assertEqual(stopped.finish_reason, "stop")

    def test_the_same_seed_gives_the_same_answer(self):
        asked = {"model": BARE, "messages": GREETING, "max_completion_tokens": 16, "temperature": 1.5, "seed": 11}
        first, second = (client.chat.completions.create(**asked) for _ in range(2))
        self.assertEqual(first.choices[0].message.content, second.choices[0].message.content)
        self.assertTrue(first.system_fingerprint)

    def test_log_probabilities(self):
        answer = client.chat.completions.create(
            model=BARE, messages=GREETING, max_completion_tokens=4, temperature=0, logprobs=True, top_logprobs=3
        )
        choice = answer.choices[0]
        tokens = choice.logprobs.content
        for token in tokens:
            self.assertLessEqual(token.logprob, 0)
            self.assertEqual(len(token.top_logprobs), 3)
            self.assertEqual(token.top_logprobs[0].bytes, token.bytes)
        text = b"".join(bytes(token.bytes) for token in tokens).decode()
        self.assertTrue(text.startswith(choice.message.content))

    def test_an_answer_from_a_corpus_carries_citations(self):
        asked = {"model": "customs-valuation", "messages": QUESTION, "max_completion_tokens": 64}
        message = client.chat.completions.create(**asked).choices[0].message
        self.assertGreater(len(message.citations), 0)
        citation = message.citations[0]
        self.assertEqual(citation["corpus"], "valuation")
        self.assertTrue(message.content.startswith("> "), message.content)
        span = citation["span"]
        document = read_document(citation["document"]).encode()
        self.assertEqual(document[span["start"] : span["end"]].decode(), citation["text"])
        last = [chunk for chunk in client.chat.completions.create(**asked, stream=True)][-1]
        self.assertEqual([its["n"] for its in last.choices[0].delta.citations], [its["n"] for its in message.citations])


SCHEMA = {
    "type": "object",
    "properties": {
        "goods": {"type": "string", "maxLength": 30},
        "origin": {"type": "string", "enum": ["KR", "US", "대한민국"]},
        "weight": {"type": "integer", "minimum": 1, "maximum": 5000},
    },
    "required": ["goods", "origin", "weight"],
    "additionalProperties": False,
}
TOOLS = [
    {"type": "function", "function": {"name": "declare", "description": "Declares goods", "parameters": SCHEMA, "strict": True}},
    {"type": "function", "function": {"name": "today", "description": "The date of today"}},
]
DECLARE = [{"role": "user", "content": "Declare 20 kg of coffee from the US."}]


class Forms(unittest.TestCase):
    def check(self, text):
        goods = json.loads(text)
        self.assertEqual(list(goods), ["goods", "origin", "weight"])
        self.assertIn(goods["origin"], SCHEMA["properties"]["origin"]["enum"])
        self.assertTrue(1 <= goods["weight"] <= 5000)

    def test_a_schema_holds_whole_streamed_and_several_times(self):
        form = {"type": "json_schema", "json_schema": {"name": "goods", "strict": True, "schema": SCHEMA}}
        asked = {"model": BARE, "messages": DECLARE, "response_format": form, "max_completion_tokens": 200}
        for choice in client.chat.completions.create(**asked, n=3, seed=5, logprobs=True).choices:
            self.check(choice.message.content)
            self.assertEqual(choice.finish_reason, "stop")
            self.assertEqual(b"".join(bytes(t.bytes) for t in choice.logprobs.content).decode(), choice.message.content)
        chunks = client.chat.completions.create(**asked, seed=5, stream=True)
        self.check("".join(chunk.choices[0].delta.content or "" for chunk in chunks))

    def test_json_mode_and_expressions(self):
        asked = {"model": BARE, "messages": DECLARE, "temperature": 0, "max_completion_tokens": 100}
        text = client.chat.completions.create(**asked, response_format={"type": "json_object"}).choices[0].message.content
        self.assertTrue(text.startswith("{"))
        chosen = client.chat.completions.create(**asked, extra_body={"structured_outputs": {"choice": ["예", "아니요"]}})
        self.assertIn(chosen.choices[0].message.content, ["예", "아니요"])
        raw = client.completions.create(model=BARE, prompt="It is", max_tokens=9, extra_body={"guided_regex": "[0-9]{4}"})
        self.assertRegex(raw.choices[0].text, "^[0-9]{4}$")

    def test_a_call_and_its_result(self):
        asked = {"model": BARE, "tools": TOOLS, "max_completion_tokens": 200, "seed": 3}
        named = {"type": "function", "function": {"name": "declare"}}
        answer = client.chat.completions.create(**asked, messages=DECLARE, tool_choice=named)
        choice = answer.choices[0]
        self.assertEqual(choice.finish_reason, "tool_calls")
        self.assertIsNone(choice.message.content)
        call = choice.message.tool_calls[0]
        self.assertEqual((call.type, call.function.name), ("function", "declare"))
        self.check(call.function.arguments)
        result = {"role": "tool", "tool_call_id": call.id, "content": "Declaration 4711 was accepted."}
        messages = [*DECLARE, choice.message, result]
        told = client.chat.completions.create(**asked, messages=messages, tool_choice="none", temperature=0)
        self.assertTrue(told.choices[0].message.content)

    def test_a_streamed_call_adds_up(self):
        chunks = client.chat.completions.create(
            model=BARE, messages=DECLARE, tools=TOOLS, tool_choice="required", parallel_tool_calls=False,
            max_completion_tokens=200, seed=4, stream=True,
        )
        calls, reasons = {}, []
        for chunk in chunks:
            choice = chunk.choices[0]
            reasons += [choice.finish_reason] if choice.finish_reason else []
            for delta in choice.delta.tool_calls or []:
                call = calls.setdefault(delta.index, {"id": "", "name": "", "arguments": ""})
                call["id"] += delta.id or ""
                call["name"] += delta.function.name or ""
                call["arguments"] += delta.function.arguments or ""
        self.assertEqual((reasons, list(calls)), (["tool_calls"], [0]))
        self.assertTrue(calls[0]["id"].startswith("call_"))
        self.assertIn(calls[0]["name"], ["declare", "today"])
        arguments = json.loads(calls[0]["arguments"])
        self.assertEqual(set(arguments), set(SCHEMA["properties"]) if calls[0]["name"] == "declare" else set())

    def test_a_model_that_may_choose_says_or_calls(self):
        answer = client.chat.completions.create(
            model=BARE, messages=GREETING, tools=TOOLS, max_completion_tokens=60, temperature=0
        ).choices[0]
        self.assertEqual(bool(answer.message.tool_calls), answer.finish_reason == "tool_calls")
        self.assertTrue(answer.message.tool_calls or answer.message.content)


class Completions(unittest.TestCase):
    def test_raw_text_is_continued(self):
        answer = client.completions.create(model=BARE, prompt="One, two, three,", max_tokens=8, temperature=0, logprobs=2)
        choice = answer.choices[0]
        self.assertTrue(choice.text)
        self.assertEqual(len(choice.logprobs.tokens), len(choice.logprobs.token_logprobs))
        streamed = client.completions.create(
            model=BARE, prompt="One, two, three,", max_tokens=8, temperature=0, stream=True
        )
        self.assertEqual("".join(chunk.choices[0].text for chunk in streamed), choice.text)


class Embeddings(unittest.TestCase):
    def test_the_clients_default_is_base64_and_gives_the_same_numbers(self):
        texts = ["customs value", "과세가격"]
        default = client.embeddings.create(model=EMBEDDER, input=texts)
        floats = client.embeddings.create(model=EMBEDDER, input=texts, encoding_format="float")
        raw = client.embeddings.create(model=EMBEDDER, input=texts, encoding_format="base64")
        for index in range(len(texts)):
            vector = floats.data[index].embedding
            self.assertEqual(default.data[index].index, index)
            for decoded, number in zip(default.data[index].embedding, vector, strict=True):
                self.assertTrue(math.isclose(decoded, number, rel_tol=1e-6, abs_tol=1e-7))
            packed = base64.b64decode(raw.data[index].embedding)
            self.assertEqual(len(struct.unpack(f"<{len(packed) // 4}f", packed)), len(vector))
        self.assertGreater(default.usage.prompt_tokens, 0)

    def test_a_query_is_embedded_otherwise_than_a_passage(self):
        passage = client.embeddings.create(model=EMBEDDER, input="customs value").data[0].embedding
        query = client.embeddings.create(model=EMBEDDER, input="customs value", extra_body={"input_type": "query"})
        self.assertNotEqual(passage, query.data[0].embedding)


class Agent(unittest.TestCase):
    REQUEST = [{"role": "user", "content": "What is the risk of declaration D00000012?"}]

    def test_a_run_streams_its_plan_and_its_answer(self):
        # The first start of a home folder makes the world that the tools stand on, while it serves already.
        for _ in range(60):
            events, text = [], ""
            stream = client.chat.completions.create(
                model="customs-agent", messages=self.REQUEST, stream=True, extra_headers={"X-Haetae-Events": "1"}
            )
            for chunk in stream:
                events += [chunk.haetae] if hasattr(chunk, "haetae") else []
                text += chunk.choices[0].delta.content or "" if chunk.choices else ""
            if "not set up" not in text:
                break
            time.sleep(2)
        kinds = [event["type"] for event in events]
        self.assertEqual(kinds[0], "planned")
        self.assertIn("returned", kinds)
        self.assertEqual(events[0]["steps"][0]["tool"], "risk_score")
        self.assertIn("D00000012", text)
        self.assertIn("[1]", text)

    def test_it_takes_no_tools_of_the_clients(self):
        with self.assertRaises(openai.BadRequestError) as raised:
            tool = {"type": "function", "function": {"name": "f"}}
            client.chat.completions.create(model="customs-agent", messages=self.REQUEST, tools=[tool])
        self.assertEqual(raised.exception.param, "tools")


class Responses(unittest.TestCase):
    def test_an_answer_is_remembered_and_gone_on_from(self):
        first = client.responses.create(
            model=BARE, input="My name is Haneul. Say hello.", instructions="Be brief.", temperature=0, max_output_tokens=24
        )
        self.assertEqual(first.object, "response")
        self.assertIn(first.status, ("completed", "incomplete"))
        self.assertTrue(first.output_text)
        self.assertEqual(first.output[0].type, "message")
        self.assertEqual(first.usage.total_tokens, first.usage.input_tokens + first.usage.output_tokens)
        kept = client.responses.retrieve(first.id)
        self.assertEqual((kept.id, kept.output_text), (first.id, first.output_text))
        items = client.responses.input_items.list(first.id).data
        self.assertEqual(items[0].content[0].text, "My name is Haneul. Say hello.")

        second = client.responses.create(
            model=BARE, input="What is my name?", previous_response_id=first.id, temperature=0, max_output_tokens=24
        )
        alone = client.responses.create(model=BARE, input="What is my name?", temperature=0, max_output_tokens=24, store=False)
        self.assertEqual(second.previous_response_id, first.id)
        self.assertGreater(second.usage.input_tokens, alone.usage.input_tokens)
        with self.assertRaises(openai.NotFoundError):
            client.responses.retrieve(alone.id)
        client.responses.delete(first.id)
        with self.assertRaises(openai.NotFoundError) as raised:
            client.responses.create(model=BARE, input="And?", previous_response_id=second.id)
        self.assertEqual(raised.exception.code, "response_not_found")

    def test_the_stream_adds_up_to_the_whole(self):
        asked = {"model": BARE, "input": "Say hello.", "temperature": 0, "max_output_tokens": 16}
        whole = client.responses.create(**asked)
        events = list(client.responses.create(**asked, stream=True))
        self.assertEqual([event.sequence_number for event in events], list(range(len(events))))
        kinds = [event.type for event in events]
        self.assertEqual(kinds[:4], [
            "response.created", "response.in_progress", "response.output_item.added", "response.content_part.added",
        ])
        self.assertEqual(kinds[-1], f"response.{whole.status}")
        text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        self.assertEqual((text, events[-1].response.output_text), (whole.output_text, whole.output_text))
        # Not cut off, because the client's own helper waits for `response.completed`.
        asked = {"model": BARE, "input": "Say hello.", "temperature": 0, "max_output_tokens": 400}
        with client.responses.stream(**asked) as stream:
            self.assertTrue(stream.get_final_response().output_text.startswith(text))

    def test_a_call_and_its_result(self):
        tools = [{"type": "function", "name": "declare", "parameters": SCHEMA, "strict": True}]
        answer = client.responses.create(
            model=BARE, input="Declare 20 kg of coffee from the US.", tools=tools, tool_choice="required",
            parallel_tool_calls=False, max_output_tokens=200, temperature=0,
        )
        call = answer.output[0]
        self.assertEqual((call.type, call.name, call.status), ("function_call", "declare", "completed"))
        self.assertEqual(set(json.loads(call.arguments)), set(SCHEMA["properties"]))
        result = {"type": "function_call_output", "call_id": call.call_id, "output": "Declaration 4711 was accepted."}
        told = client.responses.create(
            model=BARE, input=[result], previous_response_id=answer.id, max_output_tokens=32, temperature=0
        )
        self.assertTrue(told.output_text)

    def test_a_schema_binds_the_text(self):
        form = {"format": {"type": "json_schema", "name": "goods", "strict": True, "schema": SCHEMA}}
        answer = client.responses.create(
            model=BARE, input="Declare 20 kg of coffee from the US.", text=form, max_output_tokens=200, temperature=0
        )
        self.assertEqual(set(json.loads(answer.output_text)), set(SCHEMA["properties"]))
        with self.assertRaises(openai.BadRequestError) as raised:
            bad = {"format": {"type": "json_schema", "name": "a", "schema": {"type": "wizard"}}}
            client.responses.create(model=BARE, input="Hello", text=bad)
        self.assertEqual(raised.exception.param, "text.format")

    def test_an_answer_from_a_corpus_is_annotated(self):
        answer = client.responses.create(
            model="customs-valuation", input=QUESTION[0]["content"], max_output_tokens=64
        )
        annotations = answer.output[0].content[0].annotations
        self.assertGreater(len(annotations), 0)
        for annotation in annotations:
            self.assertEqual(annotation.type, "file_citation")
            self.assertRegex(answer.output_text[annotation.index :], r"^\[\d+\]")
            self.assertTrue(read_document(annotation.file_id))

    def test_a_run_of_the_agent_shows_its_calls(self):
        for _ in range(60):
            events = list(client.responses.create(
                model="customs-agent", input="What is the risk of declaration D00000012?", stream=True
            ))
            answer = events[-1].response
            if "not set up" not in answer.output_text:
                break
            time.sleep(2)
        call = answer.output[0]
        self.assertEqual((call.type, call.name, call.status), ("mcp_call", "risk_score", "completed"))
        self.assertEqual(json.loads(call.arguments)["declaration"], "D00000012")
        self.assertEqual(len(json.loads(call.output)["sha256"]), 64)
        self.assertIn("response.mcp_call.completed", [event.type for event in events])
        self.assertIn("D00000012", answer.output_text)

    def test_what_is_lacking_is_refused_by_name(self):
        for field, value in [("background", True), ("truncation", "auto"), ("tools", [{"type": "web_search"}])]:
            with self.assertRaises(openai.BadRequestError) as raised:
                client.responses.create(model=BARE, input="Hello", **{field: value})
            self.assertIn(field, raised.exception.param)


class Errors(unittest.TestCase):
    def test_an_unknown_model(self):
        with self.assertRaises(openai.NotFoundError) as raised:
            client.chat.completions.create(model="gpt-9", messages=GREETING)
        self.assertEqual(raised.exception.code, "model_not_found")
        self.assertEqual(raised.exception.param, "model")
        self.assertTrue(raised.exception.request_id)

    def test_a_bad_parameter_is_named(self):
        with self.assertRaises(openai.BadRequestError) as raised:
            client.chat.completions.create(model=BARE, messages=GREETING, temperature=9)
        self.assertEqual(raised.exception.param, "temperature")

    def test_a_prompt_over_the_context(self):
        long = [{"role": "user", "content": "customs value " * 40_000}]
        with self.assertRaises(openai.BadRequestError) as raised:
            client.chat.completions.create(model=BARE, messages=long)
        self.assertEqual(raised.exception.code, "context_length_exceeded")

    def test_a_schema_that_cannot_be_held_to(self):
        schema = {"type": "object", "properties": {"a": {"type": "wizard"}}}
        with self.assertRaises(openai.BadRequestError) as raised:
            client.chat.completions.create(
                model=BARE, messages=GREETING, response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
            )
        self.assertEqual(raised.exception.code, "invalid_schema")
        self.assertEqual(raised.exception.param, "response_format.json_schema.schema")
        self.assertIn("/properties/a", raised.exception.message)

    @unittest.skipUnless(KEY, "the server asks for no key")
    def test_a_wrong_key(self):
        stranger = openai.OpenAI(base_url=f"{URL}/v1", api_key="wrong", max_retries=0)
        with self.assertRaises(openai.AuthenticationError) as raised:
            stranger.models.list()
        self.assertEqual(raised.exception.code, "invalid_api_key")


if __name__ == "__main__":
    unittest.main(verbosity=2)
