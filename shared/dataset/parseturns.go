package dataset

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

func (s *Sample) readTurns(fields members) {
	key, list := fields.either("conversations", "messages")
	switch typeOf(list) {
	case jsonNone:
		s.fail(NoConversation, key, fields.noTurns())
		return
	case jsonArray:
	default:
		s.wrongType(key, list, "a list of turns")
		return
	}
	turns := items(list)
	if len(turns) == 0 {
		s.fail(NoConversation, key, "the list is empty; add the turns of a human and the model")
		return
	}
	var before Role
	answered := false
	for i, value := range turns {
		role := s.readTurn(key+"["+strconv.Itoa(i)+"]", value, before)
		answered = answered || role == Model
		before = role
	}
	if !answered {
		s.fail(NoAnswer, key, "no turn is the model's; add the answer to be trained on, with role gpt or assistant")
	}
}

// readTurn reads the turn that follows one of role before ("" for the first) and returns its role, ""
// where it has none.
func (s *Sample) readTurn(field string, value json.RawMessage, before Role) Role {
	if typeOf(value) != jsonObject {
		s.wrongType(field, value, `a turn like {"from": "human", "value": "…"}`)
		return ""
	}
	turn := members(items(value))
	roleKey, name := turn.either("from", "role")
	textKey, words := turn.either("value", "content")
	role := s.readRole(field+"."+roleKey, name)
	switch {
	case role == "":
	case role == Model && before == "":
		s.fail(RolesAlternate, field+"."+roleKey, "the model speaks first; begin with a turn of the human")
	case role == before:
		s.fail(RolesAlternate, field+"."+roleKey,
			fmt.Sprintf("%s speaks twice in a row; merge the two turns, or add the one that is missing between them",
				role))
	}
	if said, ok := s.readText(field+"."+textKey, words); role != "" && ok {
		s.Turns = append(s.Turns, Turn{Role: role, Text: said})
	}
	return role
}

func (s *Sample) readRole(field string, value json.RawMessage) Role {
	switch typeOf(value) {
	case jsonNone:
		s.fail(RoleUnknown, field, "the turn has no role; write human (or user) or gpt (or assistant)")
		return ""
	case jsonString:
	default:
		s.wrongType(field, value, "human or gpt")
		return ""
	}
	switch name := text(value); name {
	case "human", "user":
		return Human
	case "gpt", "assistant", "model":
		return Model
	case "system":
		s.fail(RoleUnknown, field,
			`found "system", but samples are rated under one fixed system prompt; `+
				`remove the turn, or put its text at the head of the first human turn`)
	default:
		s.fail(RoleUnknown, field, "found "+quote(name, quoted)+"; write human (or user) or gpt (or assistant)")
	}
	return ""
}

func (s *Sample) readText(field string, value json.RawMessage) (string, bool) {
	switch typeOf(value) {
	case jsonNone:
		s.fail(EmptyTurn, field, "the turn has no text; add it, or remove the turn and the one that it belongs to")
		return "", false
	case jsonString:
	default:
		s.wrongType(field, value, "the turn's text as one string, with "+ImageMark+" where an image belongs")
		return "", false
	}
	words := text(value)
	if strings.TrimSpace(words) == "" {
		s.fail(EmptyTurn, field, "the turn's text is blank; add it, or remove the turn and the one that it belongs to")
		return "", false
	}
	return words, true
}

// marks counts the places for images in the sample's turns.
func (s *Sample) marks() int {
	n := 0
	for _, turn := range s.Turns {
		n += strings.Count(turn.Text, ImageMark)
	}
	return n
}
