package dataset

import (
	"encoding/json"
	"strconv"
	"strings"
)

// A draft is a turn as it is read, before it is known which marks in its text are places of images.
type draft struct {
	role   Role
	field  string // path of its text in the record
	absent bool   // it has no text at all
	pieces []piece
}

// A piece of a draft is text, or the place of an image.
type piece struct {
	text string
	// image is 0 for text, k for the k-th image of content parts, and unplaced for one of the record's image field.
	image int
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

func (p *parser) readTurns(fields members) {
	if system := fields.get("system"); typeOf(system) == jsonString {
		if words := text(system); strings.TrimSpace(words) != "" {
			p.turns = append(p.turns, draft{role: System, field: "system", pieces: []piece{{text: words}}})
		}
	}
	key, list := fields.first("conversations", "messages", "conversation")
	p.conversation = key
	switch typeOf(list) {
	case jsonNone:
		p.fail(NoConversation, key, fields.noTurns())
		return
	case jsonArray:
	default:
		p.wrongType(key, list, "a list of turns")
		return
	}
	turns := items(list)
	if len(turns) == 0 {
		p.fail(NoConversation, key, "the list is empty; add the turns of a human and the model")
		return
	}
	for i, value := range turns {
		p.readTurn(key+"["+strconv.Itoa(i)+"]", value)
	}
}

func (p *parser) readTurn(field string, value json.RawMessage) {
	if typeOf(value) != jsonObject {
		p.wrongType(field, value, `a turn like {"from": "human", "value": "…"}`)
		return
	}
	turn := members(items(value))
	roleKey, name := turn.first("from", "role")
	textKey, words := turn.first("value", "content")
	if typeOf(name) == jsonNone && typeOf(words) == jsonNone && p.readPair(field, turn) {
		return
	}
	role := p.readRole(field+"."+roleKey, name)
	if role == Model && holds(turn.get("tool_calls"), turn.get("function_call")) {
		p.flag() // the call stays in the record
		if !holds(words) {
			role = Tool
		}
	}
	p.readContent(role, field+"."+textKey, words)
}

// readPair reads an object with a question and its answer as two turns, and reports whether it is one.
func (p *parser) readPair(field string, pair members) bool {
	found := false
	for _, r := range roleNames {
		if !r.role.rated() {
			continue
		}
		if key, words := pair.first(r.names...); typeOf(words) != jsonNone {
			p.readContent(r.role, field+"."+key, words)
			found = true
		}
	}
	return found
}

// readRole returns the role of a turn, "" where it has none that is known.
func (p *parser) readRole(field string, value json.RawMessage) Role {
	switch typeOf(value) {
	case jsonNone:
		p.fail(RoleUnknown, field, "the turn has no role; write one of "+rolesToWrite())
	case jsonString:
		role := roleOf(text(value))
		if role == "" {
			p.fail(RoleUnknown, field, "found "+quote(text(value), quoted)+"; write one of "+rolesToWrite())
		}
		return role
	default:
		p.wrongType(field, value, "human or gpt")
	}
	return ""
}

// readContent adds the turn of a role, unless its role is unknown or its value of a wrong type.
func (p *parser) readContent(role Role, field string, value json.RawMessage) {
	turn := draft{role: role, field: field}
	ok := true
	switch typeOf(value) {
	case jsonNone:
		turn.absent = true
	case jsonString:
		turn.pieces = []piece{{text: text(value)}}
	case jsonNumber:
		turn.pieces = []piece{{text: string(value)}}
		p.flag()
	case jsonArray:
		turn.pieces, ok = p.readParts(field, value)
	default:
		ok = false
		p.wrongType(field, value, expectedText)
	}
	if role != "" && ok {
		p.turns = append(p.turns, turn)
	}
}

const expectedText = "the turn's text as one string, with " + ImageMark + " where an image belongs, " +
	`or as parts like {"type": "text", "text": "…"}`

// checkTurns checks the turns that are rated: a human asks, the model answers, and neither says nothing.
func (p *parser) checkTurns() {
	var before Role
	answered := false
	for i := 0; i < len(p.turns); i++ {
		turn := p.turns[i]
		switch {
		case !turn.role.rated():
			p.flag()
			continue
		case before == "" && turn.role == Model:
			p.flag() // a leading model turn
			continue
		case turn.role == before:
			p.flag() // joined with the one before, and checked with it
			continue
		}
		before = turn.role
		answered = answered || turn.role == Model
		p.checkSaid(p.turns[i:])
	}
	switch {
	case before == "":
		p.fail(NoQuestion, p.conversation,
			"no turn is the human's; add the question that the model answers, with role human or user")
	case !answered:
		p.fail(NoAnswer, p.conversation, "no turn is the model's after the human's first; "+
			"add the answer to be trained on, with role gpt or assistant")
	case before == Human:
		p.flag() // a last human turn
	}
}

// checkSaid checks that the first of the turns, or one of its side that is joined with it, says something.
func (p *parser) checkSaid(turns []draft) {
	for _, t := range turns {
		if t.role.rated() && t.role != turns[0].role {
			break
		}
		if t.role == turns[0].role && !t.blank() {
			return
		}
	}
	said := "the turn's text is blank"
	if turns[0].absent {
		said = "the turn has no text"
	}
	p.fail(EmptyTurn, turns[0].field, said+"; add it, or remove the turn and the one that it belongs to")
}
