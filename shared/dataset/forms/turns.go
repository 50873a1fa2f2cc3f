package forms

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// A draft is a turn before it is decided which marks in its text are places of images.
type draft struct {
	role   dataset.Role
	field  string // path of its text in the record
	absent bool   // it has no text at all
	pieces []piece
}

// A piece of a draft is text, or the place of an image.
type piece struct {
	text string
	// image is 0 for text, k for the k-th image of content parts, and unplaced for one of the record's image field.
	image int
	// index is which image of the field a part names, from 1; 0 for the next one.
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

// readList reads the turns of a list: the first of the fields that holds anything.
func (p *parser) readList(keys ...string) {
	p.readSystem("system")
	key, list := firstList(p.fields, keys...)
	p.conversation = key
	p.use(key)
	for i, value := range p.list(key, list) {
		p.readTurn(key+"["+strconv.Itoa(i)+"]", value)
	}
}

// list are the items of the field that holds the turns. None, and what is not a list, is a problem.
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

// readSystem reads the field of a system prompt, which is a turn of its own.
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
		p.flag() // the call stays in the record
		if !jsontext.Holds(words) {
			role = dataset.Tool
		}
	}
	p.readContent(role, field+"."+textKey, words)
}

// readPair reads an object with a question and its answer as two turns, and reports whether it is one.
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

// readRole returns the role of a turn, "" where it has none that is known.
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

// readContent adds the turn of a role, unless its role is unknown or its value of a wrong type.
func (p *parser) readContent(role dataset.Role, field string, value json.RawMessage) {
	pieces, ok := p.content(field, value)
	if role != "" && ok {
		absent := jsontext.TypeOf(value) == jsontext.None
		p.turns = append(p.turns, draft{role: role, field: field, absent: absent, pieces: pieces})
	}
}

// content reads the text of a turn, or its parts. It reports false for a value of a wrong type.
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

const expectedText = "the turn's text as one string, with " + dataset.ImageMark + " where an image belongs, " +
	`or as parts like {"type": "text", "text": "…"}`

// checkTurns checks the turns that are rated: a human asks, the model answers, and neither says nothing.
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
			p.flag() // a leading model turn
			continue
		case turn.role == before:
			p.flag() // joined with the one before, and checked with it
			continue
		}
		before = turn.role
		answered = answered || turn.role == dataset.Model
		p.checkSaid(p.turns[i:])
	}
	switch {
	case before == "":
		p.fail(dataset.NoQuestion, p.conversation,
			"no turn is the human's; add the question that the model answers, with role human or user")
	case !answered:
		p.fail(dataset.NoAnswer, p.conversation, "no turn is the model's after the human's first; "+
			"add the answer to be trained on, with role gpt or assistant")
	case before == dataset.Human:
		p.flag() // a last human turn
	}
}

// checkSaid checks that the first turn is not empty. Turns of the same side that are joined with it count too.
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
	p.fail(dataset.EmptyTurn, turns[0].field, said+"; add it, or remove the turn and the one that it belongs to")
}
