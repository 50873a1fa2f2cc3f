package llm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// Every test closes its servers. So goroutines that are left at the end are leaks of this package.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// asked is a request as the fake API receives it.
type asked struct {
	header   http.Header
	Model    string            `json:"model"`
	Warmth   *float64          `json:"temperature"`
	Messages []json.RawMessage `json:"messages"`
	Format   json.RawMessage   `json:"response_format"`
	Logprobs bool              `json:"logprobs"`
	Top      int               `json:"top_logprobs"`
	Tokens   int               `json:"max_completion_tokens"`
	IDs      []int             `json:"logprob_token_ids"`
	Template map[string]bool   `json:"chat_template_kwargs"`
	text     string            // of all messages
	images   int
	trial    bool // whether it is a trial of the client with a harmless sample
}

// said is an answer of the fake API.
type said struct {
	status int // 200 if 0
	header map[string]string
	body   string        // body of a refusal
	text   string        // text of an answer
	finish string        // "stop" if empty
	noUse  bool          // whether the usage is left out
	tokens []answerToken // tokens of the answer, with their probabilities
	cached int           // number of input tokens from the cache
}

// A fake is an OpenAI-compatible API whose answers a test defines.
type fake struct {
	*httptest.Server
	t      testing.TB
	answer func(asked) said
	// aside answers requests outside the API. If it is nil, they are answered 404.
	aside func(path string, body []byte) string

	mu  sync.Mutex
	all []asked
}

// Usage of every answer of a fake.
const fakeInput, fakeOutput = 1000, 100

func newFake(t testing.TB, answer func(asked) said) *fake {
	f := &fake{t: t, answer: answer}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(r.Body)
	if r.URL.Path == "/props" || r.URL.Path == "/tokenize" {
		if f.aside == nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		fmt.Fprint(w, f.aside(r.URL.Path, data))
		return
	}
	a := asked{header: r.Header}
	if err == nil {
		err = json.Unmarshal(data, &a)
	}
	if err != nil || r.URL.Path != "/v1/chat/completions" {
		f.t.Errorf("a request of %s that cannot be read: %v", r.URL.Path, err)
	}
	for _, m := range a.Messages {
		a.text += string(m)
	}
	a.images = strings.Count(a.text, `"data:image/`)
	a.trial = strings.Contains(a.text, "It is grey.")
	f.mu.Lock()
	f.all = append(f.all, a)
	f.mu.Unlock()
	out := f.answer(a)
	for k, v := range out.header {
		w.Header().Set(k, v)
	}
	if out.status != 0 { // also 200, with a body that is no answer
		w.WriteHeader(out.status)
		fmt.Fprint(w, out.body)
		return
	}
	if out.finish == "" {
		out.finish = "stop"
	}
	choice := map[string]any{
		"message": map[string]any{"role": "assistant", "content": out.text}, "finish_reason": out.finish,
	}
	if out.tokens != nil && a.Logprobs {
		choice["logprobs"] = map[string]any{"content": out.tokens}
	}
	answer := map[string]any{"choices": []any{choice}}
	if !out.noUse {
		answer["usage"] = map[string]any{
			"prompt_tokens": fakeInput, "completion_tokens": fakeOutput, "total_tokens": fakeInput + fakeOutput,
			"prompt_tokens_details": map[string]any{"cached_tokens": out.cached},
		}
	}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		f.t.Logf("answering: %v", err) // the client may have disconnected
	}
}

// requests returns all requests so far.
func (f *fake) requests() []asked {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]asked(nil), f.all...)
}

// birds returns a rubric that a user could have.
func birds(t testing.TB) *rubric.Rubric {
	t.Helper()
	r, err := rubric.Parse([]byte("name: birds\ncapabilities: [bird song, \"\\\"wing\\\" shape\"]\n" +
		"styles: [tweet, word/short-phrase]\n"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// validAnswer is a valid answer under birds.
const validAnswer = `{"reason": "It sings.", "ratings": {"bird song": 4, "\"wing\" shape": 0}, "styles": ["tweet"]}`

func validly(asked) said { return said{text: validAnswer} }

// validResult returns the result of validAnswer.
func validResult() scorer.Result {
	return scorer.Result{Ratings: []int8{4, 0}, Expected: []float32{4, 0}, Styles: []string{"tweet"}}
}

// config returns a configuration in which an answer of a fake costs a tenth of a cent.
func config(f *fake) Config {
	return Config{URL: f.URL, Model: "wren-1", APIKey: "sk-secret", Prices: "wren-1=0.5/5"}
}

const answerDollars = 0.001

func open(t testing.TB, c Config, o Options) *Scorer {
	t.Helper()
	o.Memory = memorytest.Budget(t)
	e, err := New(c, o)
	if err != nil {
		t.Fatal(err)
	}
	s, err := e.Open(birds(t), "")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func folder(t testing.TB) bucket.Bucket {
	t.Helper()
	b, err := bucket.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sample returns a sample without images, with this question.
func sample(question string) scorer.Item {
	return scorer.Item{Sample: &dataset.Sample{Turns: []dataset.Turn{
		dataset.NewTurn(dataset.Human, question, 1), dataset.NewTurn(dataset.Model, "A wren.", 0),
	}}}
}

func samples(n int) (items []scorer.Item) {
	for i := range n {
		items = append(items, sample(fmt.Sprintf("Which bird is number %d?", i)))
	}
	return items
}

// picturePNG returns a small image whose content depends on n.
func picturePNG(t testing.TB, n, width, height int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range width * height {
		img.Set(i%width, i/width, color.RGBA{uint8(n), uint8(i), uint8(i / width), 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func withImage(t testing.TB, n int) scorer.Item {
	it := sample(fmt.Sprintf("<image>\nWhich bird is number %d?", n))
	it.Sample.Images = []dataset.Image{{Name: fmt.Sprintf("%d.png", n)}}
	it.Images = [][]byte{picturePNG(t, n, 40, 30)}
	return it
}

// objects returns the names in a bucket below prefix.
func objects(t testing.TB, b bucket.Reader, prefix string) (names []string) {
	t.Helper()
	for attrs, err := range b.List(t.Context(), prefix, "") {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, attrs.Name)
	}
	return names
}
