#!/usr/bin/env python3
"""Rates a dataset with an engine for batch inference, between `harvest prompts` and `harvest select --scores`.

    batch.py requests PROMPTS MANIFEST IMAGES MODEL > requests.jsonl   OpenAI's batch format, which vLLM reads
    batch.py fake REQUESTS > answers.jsonl                            answers without a model, in the same format
    batch.py scores ANSWERS MANIFEST FOLDER                           FOLDER/scores/ and FOLDER/manifest.json

Every file except the manifest is read and written line by line.
"""

import json
import pathlib
import re
import sys
import zlib

CAPABILITY = re.compile(r"Multimodal Large Language Model for (.+)\?\s*$")
STYLES = re.compile(r"Interaction style candidates: \[(.+)\]")


def requests(prompts, manifest, images, model):
    """Prints a request for each prompt. The id of a request has the index of the record, and the capability."""
    records = json.load(open(manifest))
    for place, line in enumerate(open(prompts)):
        sample = json.loads(line)
        names = records[place].get("image", [])
        pictures = [
            {"type": "image_url", "image_url": {"url": (pathlib.Path(images).resolve() / name).as_uri()}}
            for name in ([names] if isinstance(names, str) else names)
        ]
        for prompt in sample.get("prompts", []):  # an invalid record has no prompts
            asked = CAPABILITY.search(prompt)
            text = {"type": "text", "text": prompt.replace("<image>", "").strip()}
            body = {
                "model": model,
                "temperature": 0,
                "max_tokens": 1 if asked else 64,
                "messages": [{"role": "user", "content": [*pictures, text]}],
            }
            name = f"{place}/{asked[1] if asked else 'style'}"
            print(json.dumps({"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": body}))


def fake(path):
    """Prints false answers that depend only on the prompt, for a machine without a GPU."""
    for line in open(path):
        request = json.loads(line)
        prompt = request["body"]["messages"][0]["content"][-1]["text"]
        number = zlib.crc32(prompt.encode())
        styles = STYLES.search(prompt)
        answer = styles[1].split(", ")[number % 9] if styles else str(number % 6)
        body = {"choices": [{"message": {"role": "assistant", "content": answer}}]}
        response = {"status_code": 200, "body": body}
        print(json.dumps({"custom_id": request["custom_id"], "response": response, "error": None}))


def scores(answers, manifest, folder):
    """Writes score files in the form of the authors' code. Writes no line for an answer that is an error."""
    out = pathlib.Path(folder)
    (out / "scores").mkdir(parents=True)
    files, missing = {}, 0
    for line in open(answers):
        answer = json.loads(line)
        place, _, name = answer["custom_id"].partition("/")
        if answer.get("error") or answer["response"]["status_code"] != 200:
            missing += 1
            continue
        if name not in files:
            files[name] = open(out / "scores" / f"{name}.jsonl", "w")
        text = answer["response"]["body"]["choices"][0]["message"]["content"]
        print(json.dumps({"idx": int(place), "pred_response": text}), file=files[name])
    for file in files.values():
        file.close()
    records = json.load(open(manifest))
    for place, record in enumerate(records):
        record["idx"] = place
        record.setdefault("image_source", record.get("data_source", record.get("source", "unknown")))
    json.dump(records, open(out / "manifest.json", "w"), ensure_ascii=False)
    print(f"{len(records)} records, {len(files)} score files, {missing} answers missing", file=sys.stderr)


if __name__ == "__main__":
    commands = {"requests": (requests, 4), "fake": (fake, 1), "scores": (scores, 3)}
    command, count = commands.get(sys.argv[1] if len(sys.argv) > 1 else "", (None, 0))
    if command is None or len(sys.argv) != count + 2:
        sys.exit(__doc__)
    command(*sys.argv[2:])
