package export_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/export"
)

func TestComplete(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		request export.Request
		images  export.Images
		fault   string
	}{
		{export.Request{For: export.LLaVA}, export.Copy, ""},
		{export.Request{For: export.HF}, export.Embed, ""},
		{export.Request{For: export.TRL, Images: export.Embed}, export.Embed, ""},
		{export.Request{Images: export.Copy}, "", "for: it is missing"},
		{export.Request{For: "TRL2"}, "", `did you mean "trl"?`},
		{export.Request{For: export.WebDataset, Images: export.Copy}, "", `images: "copy" is not for webdataset; give embed`},
		{export.Request{For: export.Swift, Images: "referenc"}, "", `did you mean "reference"?`},
		{export.Request{For: export.Swift, Images: "cloud"}, "", "give copy, link, reference"},
	} {
		got, err := tc.request.Complete()
		if tc.fault == "" && (err != nil || got.Images != tc.images) ||
			tc.fault != "" && (err == nil || !strings.Contains(err.Error(), tc.fault)) {
			t.Errorf("%+v: %+v, %v; want %s and %q", tc.request, got, err, tc.images, tc.fault)
		}
	}
}

// TestTrainers completes a request for each trainer. The trainer must have a form of conversion, a card and files.
func TestTrainers(t *testing.T) {
	t.Parallel()
	for _, name := range export.Trainers() {
		request, err := export.Request{For: name}.Complete()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := (forms.Reading{}).Converter(request.Form()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		files, err := request.Files("demo")
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var card bytes.Buffer
		err = export.Card{Request: request, Dataset: "demo", Parameters: json.RawMessage(`{"budget":4}`)}.Write(&card)
		if err != nil || !strings.Contains(card.String(), "```") || strings.Contains(card.String(), "DATASET") {
			t.Errorf("%s: %v\n%s", name, err, card.String())
		}
		for _, file := range files {
			if len(file.Content) == 0 || strings.Contains(string(file.Content), "DATASET") {
				t.Errorf("%s: %s is\n%s", name, file.Name, file.Content)
			}
		}
	}
}
