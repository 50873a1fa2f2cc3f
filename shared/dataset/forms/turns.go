package forms

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// A draft is a turn before the places of images in its text are known.
type draft struct {
	role   dataset.Role
	field  string // path of the turn's text in the record
	absent bool   // the turn has no field with a text
	pieces []piece
}

// A piece of a draft is text, or the place of an image.
type piece struct {
	text string
	// image is 0 for text, k for the k-th image in content parts, and unplaced for an image in the record's image field.
	image int
	// index is the number, from 1, of the field's image that a part names; 0 for the next image.
	index int
}

const unplaced = -1

// blank reports whether a turn has neither a text nor an image.
func (d draft) blank() bool {
	for _, p := range d.pieces {
		if p.image != 0 || strings.TrimSpace(p.text) != "" {
			return false
		}
	}
	return true
}

// readList reads the turns of the list in the first of these fields that is not empty.
func (p *parser) readList(keys ...string) {
	p.readSystem("system")
	key, list := firstList(p.fields, keys...)
	p.conversation = key
	p.use(key)
	for i, value := range p.list(key, list) {
		p.readTurn(key+"["+strconv.Itoa(i)+"]", value)
	}
}

// list returns the items of the field key, which has the turns. If the value is not a list, or has no items, it records
// a problem.
func (p *parser) list(key string, value json.RawMessage) []json.RawMessage {
	switch jsontext.TypeOf(value) {
	case jsontext.None:
		p.failNoTurns(key)
		return nil
	case jsontext.Array:
	default:
		p.wrongType(key, value, "a list of turns")
		return nil
	}
	turns := jsontext.Items(value)
	if len(turns) == 0 {
		p.fail(dataset.NoConversation, key, "the list is empty; add the turns of a human and the model")
	}
	return turns
}

// readSystem reads the field of a system prompt as a separate turn.
func (p *parser) readSystem(key string) {
	if system := p.fields.Get(key); jsontext.TypeOf(system) == jsontext.String {
		if words := jsontext.Text(system); strings.TrimSpace(words) != "" {
			p.use(key)
			p.turns = append(p.turns, draft{role: dataset.System, field: key, pieces: []piece{{text: words}}})
		}
	}
}

func (p *parser) readTurn(field string, value json.RawMessage) {
	if jsontext.TypeOf(value) != jsontext.Object {
		p.wrongType(field, value, `a turn like {"from": "human", "value": "…"}`)
		return
	}
	turn := jsontext.Members(jsontext.Items(value))
	roleKey, name := turn.First(p.reading.tagged("role_tag", "from", "role")...)
	textKey, words := turn.First(p.reading.tagged("content_tag", "value", "content")...)
	if jsontext.TypeOf(name) == jsontext.None && jsontext.TypeOf(words) == jsontext.None && p.readPair(field, turn) {
		return
	}
	if roleKey == "role" && words == nil {
		textKey = "content"
	}
	p.keepOnly(field, turn, roleKey, textKey)
	role := p.readRole(field+"."+roleKey, name)
	if role == dataset.Model && jsontext.Holds(turn.Get("tool_calls"), turn.Get("function_call")) {
		p.flag() // the call stays in the record, and is not rated
		if !jsontext.Holds(words) {
			role = dataset.Tool
		}
	}
	p.readContent(role, field+"."+textKey, words)
}

// readPair reads an object with a question and its answer as two turns. It reports whether the object has a question or
// an answer.
func (p *parser) readPair(field string, pair jsontext.Members) bool {
	found := false
	var keys []string
	for _, r := range roleNames {
		if !r.role.Rated() {
			continue
		}
		if key, words := pair.First(r.names...); jsontext.TypeOf(words) != jsontext.None {
			p.readContent(r.role, field+"."+key, words)
			found, keys = true, append(keys, key)
		}
	}
	if found {
		p.keepOnly(field, pair, append(keys, "source")...)
	}
	return found
}

// readRole returns the role of a turn. If the role is missing or unknown, it returns "" and records a problem.
func (p *parser) readRole(field string, value json.RawMessage) dataset.Role {
	switch jsontext.TypeOf(value) {
	case jsontext.None:
		p.fail(dataset.RoleUnknown, field, "the turn has no role; write one of "+rolesToWrite())
	case jsontext.String:
		role := p.reading.role(jsontext.Text(value))
		if role == "" {
			p.fail(dataset.RoleUnknown, field,
				"found "+jsontext.Quote(jsontext.Text(value), quoted)+"; write one of "+rolesToWrite())
		}
		return role
	default:
		p.wrongType(field, value, "human or gpt")
	}
	return ""
}

// readContent adds a turn, unless its role is unknown or its value has a wrong type.
func (p *parser) readContent(role dataset.Role, field string, value json.RawMessage) {
	pieces, ok := p.content(field, value)
	if role != "" && ok {
		absent := jsontext.TypeOf(value) == jsontext.None
		p.turns = append(p.turns, draft{role: role, field: field, absent: absent, pieces: pieces})
	}
}

// content reads the text of a turn, or its parts. It returns false for a value of a wrong type.
func (p *parser) content(field string, value json.RawMessage) ([]piece, bool) {
	switch jsontext.TypeOf(value) {
	case jsontext.None:
		return nil, true
	case jsontext.String:
		return []piece{{text: jsontext.Text(value)}}, true
	case jsontext.Number:
		p.flag()
		return []piece{{text: string(value)}}, true
	case jsontext.Array:
		return p.readParts(field, value)
	default:
		p.wrongType(field, value, expectedText)
		return nil, false
	}
}

const expectedText = "the turn's text as one string, with " + dataset.ImageMark + " in the place of an image, " +
	`or as parts like {"type": "text", "text": "…"}`

// checkTurns checks the turns that are rated: there must be a human turn and a model turn after it, and none may be
// empty.
func (p *parser) checkTurns() {
	var before dataset.Role
	answered := false
	for i := 0; i < len(p.turns); i++ {
		turn := p.turns[i]
		switch {
		case !turn.role.Rated():
			p.flag()
			continue
		case before == "" && turn.role == dataset.Model:
			p.flag() // a model turn before the first human turn
			continue
		case turn.role == before:
			p.flag() // joined with the turn before, and checked with it
			continue
		}
		before = turn.role
		answered = answered || turn.role == dataset.Model
		p.checkSaid(p.turns[i:])
	}
	switch {
	case before == "":
		p.fail(dataset.NoQuestion, p.conversation,
			"there is no human turn; add the question that the model answers, with role human or user")
	case !answered:
		p.fail(dataset.NoAnswer, p.conversation, "there is no model turn after the first human turn; "+
			"add the model's answer, with role gpt or assistant")
	case before == dataset.Human:
		p.flag() // a last human turn
	}
}

// checkSaid checks that the first turn is not empty. If turns of the same side are joined with it, one of them must not
// be empty.
func (p *parser) checkSaid(turns []draft) {
	for _, t := range turns {
		if t.role.Rated() && t.role != turns[0].role {
			break
		}
		if t.role == turns[0].role && !t.absent && !t.blank() {
			return
		}
	}
	said := "the turn's text is blank"
	if turns[0].absent {
		said = "the turn has no text"
	}
	p.fail(dataset.EmptyTurn, turns[0].field, said+"; write a text, or remove this question and its answer")
}
