package forms

import (
	"strconv"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// trlPair returns the form that TRL calls prompt-completion, with messages or with texts.
func trlPair() Form {
	return Form{
		Name: "TRL prompt and completion",
		Shape: `{"images": ["coco/1.jpg"], "prompt": [{"role": "user", "content": [{"type": "image"}, ` +
			`{"type": "text", "text": "Why?"}]}], "completion": [{"role": "assistant", "content": "So."}]}`,
		Reads:  "the turns of prompt come before the turns of completion; prompt and completion may also be texts",
		is:     func(r record) bool { return r.turns == nil && r.has("prompt") && r.has("completion") },
		turns:  readPromptAndCompletion,
		images: usualImages,
	}
}

// readPromptAndCompletion reads two lists of turns, or two texts.
func readPromptAndCompletion(p *parser) {
	p.conversation = "completion"
	p.use("prompt", "completion")
	p.readSystem("system")
	for _, side := range []struct {
		key  string
		role dataset.Role // of the turn, if the field is a text
	}{{"prompt", dataset.Human}, {"completion", dataset.Model}} {
		value := p.fields.Get(side.key)
		if side.role == dataset.Model && p.losses != nil {
			p.losses.prompt = len(p.turns)
		}
		if jsontext.TypeOf(value) == jsontext.String {
			p.readContent(side.role, side.key, value)
			continue
		}
		for i, turn := range p.list(side.key, value) {
			p.readTurn(side.key+"["+strconv.Itoa(i)+"]", turn)
		}
	}
}
