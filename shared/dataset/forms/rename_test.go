package forms

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// A converted record has new names for its images. It keeps the earlier names, unless the form has a place for them.
func TestConvertRenamesImages(t *testing.T) {
	t.Parallel()
	const (
		turns = `"conversations": [{"from": "human", "value": "<image>Why?"}, {"from": "gpt", "value": "So."}]`
		both  = `"conversations": [{"from": "human", "value": "<image>\n<image>Why?"}, {"from": "gpt", "value": "So."}]`
		plain = `"conversations": [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So."}]`
		from  = `, "data_source": "demo"`
		url   = `{"url": "7.jpg", "embedded": 0}`
	)
	inTar := dataset.Place{Manifest: "demo-1.tar", Element: 1, Key: "007"}
	for name, tc := range map[string]struct {
		to    string
		place dataset.Place
		raw   string
		want  string
	}{
		"names": {
			"llava", demo, `{"image": ["a.png", "data:;base64,aGk="], ` + both + `, "n": 1.0}`,
			`{"image": ["0.png", "1.png"], ` + both + `, "n": 1.0` + from + `, "image_names": ["a.png", null]}`,
		},
		"none had a name": {
			"llava", demo, `{"image": ["data:;base64,aGk="], ` + turns + `, "image_names": []}`,
			`{"image": ["0.png"], ` + turns + from + `}`,
		},
		"no images": {"webdataset", demo, `{"image": [], ` + plain + `}`, `{"image": [], ` + plain + `}`},
		"another place": {
			"parquet", demo, `{"image": "a.png", ` + turns + `}`,
			`{"id": "demo.json#7", "images": ["0.png"], ` + turns + from + `}`,
		},
		"of a tar": {
			"sharegpt", inTar, `{"image": {"path": "007.jpg", "embedded": 0}, ` + turns + `}`,
			`{"id": "007", "images": ["0.png"], ` + turns + from + `, "image_names": ["007.jpg"]}`,
		},
		"converted before": {
			"llava", inTar, `{"id": "x", "image": [{"path": "007.jpg", "embedded": 0}], ` + turns +
				`, "image_names": ["a.png"]}`,
			`{"id": "x", "image": ["0.png"], ` + turns + from + `, "image_names": ["a.png"]}`,
		},
		"parts of a tar": {
			"openai", inTar, `{"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": ` + url + `}]}, ` +
				`{"role": "assistant", "content": "So."}]}`,
			`{"id": "007", "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "0.png"}}]}, ` +
				`{"role": "assistant", "content": [{"type": "text", "text": "So."}]}]` + from + `, "image_names": ["7.jpg"]}`,
		},
	} {
		got, err := renamed(t, tc.to, tc.raw, tc.place)
		if err != nil || !bytes.Equal(compact(t, got), compact(t, []byte(tc.want))) {
			t.Errorf("%s: %v, %s; want %s", name, err, got, tc.want)
		}
	}
}

func TestRenamingRefusesLosses(t *testing.T) {
	t.Parallel()
	const turns = `"conversations": [{"from": "human", "value": "<image>Why?"}, {"from": "gpt", "value": "So."}]`
	inTar := dataset.Place{Manifest: "demo-1.tar", Element: 1, Key: "007"}
	for raw, field := range map[string]string{
		`{"image": ["a.png"], "image_names": "x", ` + turns + `}`:                     "image_names",
		`{"image": [{"path": null, "embedded": 0, "width": 7}], ` + turns + `}`:       "image[0].width",
		`{"image": [{"embedded": 0}], "image_names": ["a", "b"], ` + turns + `}`:      "image_names",
		`{"image": [{"embedded": 0}], "images": ["a", "b"], ` + turns + `}`:           "images",
		`{"image": [{"embedded": 0}], "messages": [{"role": "user"}], ` + turns + `}`: "messages",
	} {
		_, err := renamed(t, "sharegpt", raw, inTar)
		if loss, ok := errors.AsType[*LossError](err); !ok || loss.Field != field {
			t.Errorf("%s: %v, want a loss of %s", raw, err, field)
		}
	}
}

// renamed converts a record, and gives its images the names 0.png and so on.
func renamed(t *testing.T, to, raw string, place dataset.Place) ([]byte, error) {
	t.Helper()
	convert, err := Reading{}.Converter(to)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"0.png", "1.png"}[:len(Parse([]byte(raw), place).Images)]
	return convert([]byte(raw), place, names)
}

// compact returns a JSON text without white space.
func compact(t *testing.T, raw []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, raw); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	return out.Bytes()
}
