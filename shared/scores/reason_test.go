package scores_test

import (
	"bytes"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/scores"
)

func TestReasonsRoundTrip(t *testing.T) {
	t.Parallel()
	large := make([]string, 130_000)
	for i := range large {
		large[i] = []string{"", "better samples", "the thresholds"}[i%3]
	}
	for name, want := range map[string][]string{
		"every case": {"", "the cap of its source", "", "理由"}, "none": {}, "several row groups": large,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var file, again bytes.Buffer
			for _, w := range []*bytes.Buffer{&file, &again} {
				if err := writeReasons(w, want); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(file.Bytes(), again.Bytes()) {
				t.Error("the same reasons give other bytes")
			}
			got, err := scores.ReadReasons(bytes.NewReader(file.Bytes()), int64(file.Len()))
			if err != nil {
				t.Fatal(err)
			}
			if got.Len() != len(want) {
				t.Fatalf("%d reasons, read back as %d", len(want), got.Len())
			}
			for i, code := range want {
				if got.At(i) != code {
					t.Fatalf("reason %d is %q, read back as %q", i, code, got.At(i))
				}
			}
		})
	}
}

func TestReadReasonsRefuses(t *testing.T) {
	t.Parallel()
	var file bytes.Buffer
	if err := writeReasons(&file, []string{"better samples"}); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"nothing": {}, "cut short": file.Bytes()[:file.Len()-9], "scores": write(t, capabilities, small()),
	} {
		if _, err := scores.ReadReasons(bytes.NewReader(data), int64(len(data))); err == nil ||
			!strings.HasPrefix(err.Error(), "reading reasons: ") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// ReadReasons refuses a file with more codes than a byte can number.
func TestReadReasonsRefusesManyCodes(t *testing.T) {
	t.Parallel()
	for codes, refused := range map[int]bool{256: false, 257: true} {
		var file bytes.Buffer
		if err := scores.WriteReasons(&file, codes, strconv.Itoa); err != nil {
			t.Fatal(err)
		}
		_, err := scores.ReadReasons(bytes.NewReader(file.Bytes()), int64(file.Len()))
		if (err != nil) != refused {
			t.Errorf("%d codes: error %v", codes, err)
		}
	}
}

func writeReasons(w io.Writer, codes []string) error {
	return scores.WriteReasons(w, len(codes), func(i int) string { return codes[i] })
}
