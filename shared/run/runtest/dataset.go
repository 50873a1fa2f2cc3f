package runtest

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/selection"
)

// Record returns a record in LLaVA's form, of the source "tests".
func Record(id, answer string, images ...string) string {
	question := strings.Repeat("<image>\n", len(images)) + "What is said of " + id + "?"
	raw, err := json.Marshal(map[string]any{
		"id": id, "image": images, "data_source": "tests",
		"conversations": []map[string]string{{"from": "human", "value": question}, {"from": "gpt", "value": answer}},
	})
	if err != nil {
		panic(err) // cannot happen with strings
	}
	return string(raw)
}

// Plain returns n valid records without images. Their ids are the prefix and a number.
func Plain(prefix string, n int) []string {
	records := make([]string, n)
	for i := range records {
		records[i] = Record(fmt.Sprintf("%s%02d", prefix, i), "Nothing but good.")
	}
	return records
}

// Array returns a JSON array of records.
func Array(records []string) []byte {
	return []byte("[\n  " + strings.Join(records, ",\n  ") + "\n]\n")
}

// Lines returns records, one per line.
func Lines(records []string) []byte { return []byte(strings.Join(records, "\n") + "\n") }

// PNG returns a PNG of a size.
func PNG(t testing.TB, width, height int) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Budget parses a budget.
func Budget(t testing.TB, text string) selection.Budget {
	t.Helper()
	b, err := selection.ParseBudget(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Refusal returns the reason of an error that should be a *run.RefusedError.
func Refusal(t testing.TB, err error) string {
	t.Helper()
	var refused *run.RefusedError
	if !errors.As(err, &refused) {
		t.Fatalf("got error %v, want a *run.RefusedError", err)
	}
	return refused.Reason
}

// A Member is a file of a tar.
type Member struct{ Name, Content string }

// Tar returns a tar of members.
func Tar(t testing.TB, members ...Member) []byte {
	t.Helper()
	var out bytes.Buffer
	archive := tar.NewWriter(&out)
	for _, m := range members {
		err := archive.WriteHeader(&tar.Header{
			Name: m.Name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(m.Content)),
		})
		if err == nil {
			_, err = archive.Write([]byte(m.Content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// ReadTar reads the members of a tar.
func ReadTar(t testing.TB, content []byte) []Member {
	t.Helper()
	archive := tar.NewReader(bytes.NewReader(content))
	members := []Member{}
	for {
		header, err := archive.Next()
		if err == io.EOF {
			return members
		}
		data, errRead := io.ReadAll(archive)
		if err := errors.Join(err, errRead); err != nil {
			t.Fatal(err)
		}
		members = append(members, Member{header.Name, string(data)})
	}
}
