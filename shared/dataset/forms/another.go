package forms

import (
	"slices"
	"strings"
	"sync"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// Another conversation of a record is in fields of another form than that in which the record is read.
type another struct {
	form   string // that reads it
	fields []string
	same   bool // it says nothing that the conversation which is read does not say
}

// anyForm has the fields of conversations, and reads them from a record that may have others.
type anyForm struct {
	fields []string // each of them has to hold something
	Form
}

// conversations are the fields of all forms in which a conversation may be. They are shared: do not change them.
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

// others are the other conversations of a valid record. A field that another form would read, and that cannot be read
// as a conversation, is none.
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

// holdsAll reports whether each of the fields holds something.
func (p *parser) holdsAll(keys []string) bool {
	return !slices.ContainsFunc(keys, func(key string) bool { return !jsontext.Holds(p.fields.Get(key)) })
}

// within reports whether turns follow each other in a conversation, apart from images and blanks around texts.
func within(turns, conversation []dataset.Turn) bool {
	same := func(a, b dataset.Turn) bool { return a.Role == b.Role && words(a) == words(b) }
	for ; len(conversation) >= len(turns); conversation = conversation[1:] {
		if slices.EqualFunc(turns, conversation[:len(turns)], same) {
			return true
		}
	}
	return false
}

// words are the texts of a turn, without blanks around them.
func words(turn dataset.Turn) string {
	var texts []string
	for _, text := range turn.Pieces() {
		if text = strings.TrimSpace(text); text != "" {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, "\n")
}

// checkOthers refuses a record with two conversations that differ: a trainer may take the one that was not rated.
func (p *parser) checkOthers() {
	for _, other := range p.others() {
		if other.same {
			continue
		}
		p.fail(dataset.TwoConversations, other.fields[0], "one is in "+quotedList(other.fields)+", and another one in "+
			jsontext.Quote(p.conversation, quoted)+"; leave one of them out, or name the form to read with --format "+
			"(`format` in dataset.yaml): "+jsontext.Quote(other.form, quoted)+" or "+jsontext.Quote(p.Form, quoted))
	}
}

// quotedList is a list of names of fields for people.
func quotedList(keys []string) string {
	var list []string
	for _, key := range keys {
		list = append(list, jsontext.Quote(key, quoted))
	}
	return strings.Join(list, ", ")
}

// repeats reports whether a field is the prompt or the completion of a record that holds only one of them, and says
// what one of the turns says.
func (p *parser) repeats(key string) bool {
	value := p.fields.Get(key)
	return (key == "prompt" || key == "completion") && jsontext.TypeOf(value) == jsontext.String &&
		slices.ContainsFunc(p.Turns, func(turn dataset.Turn) bool {
			return words(turn) == strings.TrimSpace(jsontext.Text(value))
		})
}
