package dataset_test

import (
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
)

const manifest = `{"id": "chart-1", "image": "charts/1.png", "conversations": [
  {"from": "human", "value": "<image>\nWhich month had the highest sales?"}, {"from": "gpt", "value": "March"}]}
{"id": "chart-2", "image": "charts/2.png", "conversations": []}
{"id": "text-1", "messages": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]}
`

// Each record of a manifest may have another form. An invalid record is a sample with a problem.
func Example() {
	file, limits := strings.NewReader(manifest), dataset.Limits{MaxRecordBytes: 1 << 20}
	err := dataset.EachSample(file, "sales.jsonl", limits, forms.Parse, func(s *dataset.Sample) error {
		if s.Problem != nil {
			fmt.Printf("%s: %s\n", s.ID, s.Problem.Code)
			return nil
		}
		fmt.Printf("%s: %s from %s, %d turns, %d images, %d tokens\n", s.ID, s.Form, s.Source, len(s.Turns), len(s.Images),
			s.Tokens().Text)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// chart-1: LLaVA from charts, 2 turns, 1 images, 9 tokens
	// chart-2: no_conversation
	// text-1: OpenAI messages from sales, 2 turns, 0 images, 4 tokens
}

// A manifest is split between records into ranges, so that each range can be read separately.
func ExampleSplit() {
	layout, err := dataset.Split(strings.NewReader(manifest), 200)
	if err != nil {
		log.Fatal(err)
	}
	for _, span := range layout.Ranges {
		reader, err := dataset.NewReader(strings.NewReader(manifest[span.Start:]), layout.Framing, span, "sales.jsonl",
			dataset.Limits{MaxRecordBytes: 1 << 20}, forms.Parse)
		if err != nil {
			log.Fatal(err)
		}
		first, err := reader.Next()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%d records from line %d on, the first is %s\n", span.Records, first.Place.Line, first.ID)
	}
	// Output:
	// 1 records from line 1 on, the first is chart-1
	// 2 records from line 3 on, the first is chart-2
}

// A subset is written from raw records, so its records are byte for byte the same.
func ExampleWriter() {
	w := dataset.NewWriter(os.Stdout, dataset.Array, dataset.Part{First: true, Last: true})
	for _, raw := range []string{`{"id": 1}`, `{"id":2,   "kept": "as it stands"}`} {
		if err := w.Write([]byte(raw)); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// [
	// {"id": 1},
	// {"id":2,   "kept": "as it stands"}
	// ]
}
