package forms

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
)

// A record names members of a tar, and keeps the names that its images had.
func TestWithMembers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ raw, want string }{
		{
			`{"image": ["a/b.png", "data:;base64,aGk="], ` + asked("<image><image>Why?") + `, "n": 1.0}`,
			`{"image": ["0.0.png", "0.1.gif"], ` + asked("<image><image>Why?") + `, "n": 1.0, "image_names": ["a/b.png", null]}`,
		},
		{
			`{"image": ["data:;base64,aGk="], ` + asked("<image>") + `, "image_names": []}`,
			`{"image": ["0.0.png"], ` + asked("<image>") + `}`,
		},
		{`{"image": [], ` + asked("Why?") + `}`, `{"image": [], ` + asked("Why?") + `}`},
	} {
		s := Parse([]byte(tc.raw), demo)
		members := []string{"0.0.png", "0.1.gif"}[:len(s.Images)]
		got, err := WithMembers(s.Raw, s, members)
		if err != nil || !bytes.Equal(compact(t, got), compact(t, []byte(tc.want))) {
			t.Errorf("%s: %v, %s; want %s", tc.raw, err, got, tc.want)
		}
	}
	raw := `{"image": ["a.png"], "image_names": "x", ` + asked("<image>") + `}`
	_, err := WithMembers([]byte(raw), Parse([]byte(raw), demo), []string{"0.png"})
	if loss, ok := errors.AsType[*LossError](err); !ok || loss.Field != "image_names" {
		t.Errorf("a field of the same name: %v", err)
	}
}

// compact is a JSON text without blanks.
func compact(t *testing.T, raw []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, raw); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	return out.Bytes()
}
