package forms

import (
	"slices"
	"strings"
	"sync"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// An another is a second conversation of a record, in the fields of another form.
type another struct {
	form   string // the form that reads the second conversation
	fields []string
	same   bool // whether it is equal to the record's conversation, or a part of it
}

// An anyForm reads the conversation in its fields, whatever other fields the record has.
type anyForm struct {
	fields []string // none of them may be empty
	Form
}

// conversations returns all fields that may have a conversation, with their forms. The result is shared: do not change
// it.
var conversations = sync.OnceValue(func() []anyForm {
	list := []anyForm{
		{[]string{"conversations"}, llava()}, {[]string{"messages"}, openAI()}, {[]string{"conversation"}, pairs()},
		{[]string{"query", "response"}, swiftQuery()}, {[]string{"instruction", "output"}, alpaca()},
		{[]string{"prompt", "completion"}, trlPair()}, {[]string{"texts"}, cauldron()},
	}
	for i := range list {
		list[i].is = func(record) bool { return true }
	}
	return list
})

// others returns the other conversations of a valid record. It ignores fields that cannot be read as a conversation.
func (p *parser) others() []another {
	if p.alone {
		return nil
	}
	var found []another
	for _, c := range conversations() {
		if slices.Contains(c.fields, p.conversation) || !p.holdsAll(c.fields) {
			continue
		}
		other := parser{
			Sample: dataset.NewSample(p.Raw, p.Place), reading: &Reading{}, losses: &losses{}, alone: true,
		}
		other.parse([]Form{c.Form})
		if other.Problem != nil {
			continue
		}
		fields := slices.DeleteFunc(other.losses.used, func(key string) bool {
			return p.fields.Get(key) == nil || !slices.Contains(c.fields, key) && key != "input" && key != "history"
		})
		found = append(found, another{c.Name, fields, within(other.Rated(), p.Rated())})
	}
	return found
}

// holdsAll reports whether none of the fields is empty.
func (p *parser) holdsAll(keys []string) bool {
	return !slices.ContainsFunc(keys, func(key string) bool { return !jsontext.Holds(p.fields.Get(key)) })
}

// within reports whether turns are consecutive turns of a conversation. It ignores images, and white space around
// texts.
func within(turns, conversation []dataset.Turn) bool {
	same := func(a, b dataset.Turn) bool { return a.Role == b.Role && words(a) == words(b) }
	for ; len(conversation) >= len(turns); conversation = conversation[1:] {
		if slices.EqualFunc(turns, conversation[:len(turns)], same) {
			return true
		}
	}
	return false
}

// words returns the texts of a turn, without white space around them.
func words(turn dataset.Turn) string {
	var texts []string
	for _, text := range turn.Pieces() {
		if text = strings.TrimSpace(text); text != "" {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, "\n")
}

// checkOthers refuses a record with two different conversations, because a trainer may use the conversation that was
// not rated.
func (p *parser) checkOthers() {
	for _, other := range p.others() {
		if other.same {
			continue
		}
		p.fail(dataset.TwoConversations, other.fields[0], "one is in "+quotedList(other.fields)+", and the other in "+
			jsontext.Quote(p.conversation, quoted)+"; remove one of them, or name the form to read with --format "+
			"(`format` in dataset.yaml): "+jsontext.Quote(other.form, quoted)+" or "+jsontext.Quote(p.Form, quoted))
	}
}

// quotedList returns the names of fields for a message.
func quotedList(keys []string) string {
	var list []string
	for _, key := range keys {
		list = append(list, jsontext.Quote(key, quoted))
	}
	return strings.Join(list, ", ")
}

// repeats reports whether the field is prompt or completion, and its text equals the text of one of the turns.
func (p *parser) repeats(key string) bool {
	value := p.fields.Get(key)
	return (key == "prompt" || key == "completion") && jsontext.TypeOf(value) == jsontext.String &&
		slices.ContainsFunc(p.Turns, func(turn dataset.Turn) bool {
			return words(turn) == strings.TrimSpace(jsontext.Text(value))
		})
}
