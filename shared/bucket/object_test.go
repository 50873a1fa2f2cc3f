package bucket_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/bucket"
)

func TestObjects(t *testing.T) {
	t.Parallel()
	b, err := bucket.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for i, want := range []bool{true, false} {
		if wrote, err := bucket.CreateJSON(ctx, b, "runs/a/7.json", map[string]int{"n": i}); wrote != want ||
			err != nil {
			t.Errorf("write %d: wrote %v, %v", i, wrote, err)
		}
	}
	var read map[string]int
	err = bucket.ReadJSON(ctx, b, "runs/a/7.json", &read)
	if diff := cmp.Diff(map[string]int{"n": 0}, read); err != nil || diff != "" {
		t.Errorf("%v; the first writer's content (-want +got):\n%s", err, diff)
	}
	if data, err := bucket.ReadAll(ctx, b, "runs/a/7.json"); string(data) != "{\n \"n\": 0\n}\n" || err != nil {
		t.Errorf("content %q, %v", data, err)
	}
	for name, want := range map[string]bool{"runs/a/7.json": true, "runs/a/8.json": false, "runs/a": false} {
		if there, err := bucket.Exists(ctx, b, name); there != want || err != nil {
			t.Errorf("%s exists: %v, %v", name, there, err)
		}
	}
	if _, err := bucket.ReadAll(ctx, b, "runs/a/8.json"); !errors.Is(err, bucket.ErrNotExist) {
		t.Errorf("reading a missing object: error %v, want ErrNotExist", err)
	}
	broken := errors.New("broken")
	if _, err := bucket.CreateOnce(ctx, b, "x", func(io.Writer) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("error %v, want the writer's error", err)
	}
}

// TestNumbers finds numbers with more digits than the names are padded to.
func TestNumbers(t *testing.T) {
	t.Parallel()
	b, err := bucket.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for _, name := range []string{
		"n/0007.json", "n/12345.json", "n/8.txt", "n/x.json", "n/9/1.json", "n/9-a/1", "n/9-a/2",
	} {
		if _, err := bucket.CreateBytes(ctx, b, name, nil); err != nil {
			t.Fatal(err)
		}
	}
	numbers, err := bucket.Numbers(ctx, b, "n/", ".json")
	if diff := cmp.Diff(map[int]bool{7: true, 12345: true}, numbers); err != nil || diff != "" {
		t.Errorf("numbers: %v (-want +got):\n%s", err, diff)
	}
}

// TestChildren lists folders next to objects with similar names: all folders in one call, and one folder a page.
func TestChildren(t *testing.T) {
	t.Parallel()
	b := bucket.NewMemory()
	ctx := t.Context()
	for _, name := range []string{
		"n/a", "n/a-b/1", "n/a-b/2", "n/a.json", "n/c-d/1", "n/c/1", "n/c0", "n/e/1/2", "n/x.json",
	} {
		if _, err := bucket.CreateBytes(ctx, b, name, nil); err != nil {
			t.Fatal(err)
		}
	}
	children, err := bucket.Children(ctx, b, "n/")
	if diff := cmp.Diff([]string{"a-b", "c", "c-d", "e"}, children); err != nil || diff != "" {
		t.Errorf("children: %v (-want +got):\n%s", err, diff)
	}
	var paged []string
	for cursor := ""; len(paged) < 10; {
		page, err := bucket.ChildrenAfter(ctx, b, "n/", cursor, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		paged, cursor = append(paged, page...), page[0]
	}
	if diff := cmp.Diff([]string{"a-b", "c-d", "c", "e"}, paged); diff != "" {
		t.Errorf("pages of one child (-want +got):\n%s", diff)
	}
	if children, err := bucket.Children(ctx, b, "none/"); len(children) > 0 || err != nil {
		t.Errorf("children of a missing folder: %v, %v", children, err)
	}
}

func TestMarked(t *testing.T) {
	t.Parallel()
	for objects, want := range map[string]bool{"": false, "mark": true, "mark next": true} {
		b := bucket.NewMemory()
		for _, name := range strings.Fields(objects) {
			if _, err := bucket.CreateBytes(t.Context(), b, name, nil); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := bucket.Marked(t.Context(), b, "mark", "next"); got != want || err != nil {
			t.Errorf("%q: marked %v, %v", objects, got, err)
		}
	}
	b := bucket.NewMemory()
	if _, err := bucket.CreateBytes(t.Context(), b, "next", nil); err != nil {
		t.Fatal(err)
	}
	if got, err := bucket.Marked(t.Context(), b, "mark", "next"); got || !errors.Is(err, bucket.ErrNotExist) {
		t.Errorf("the follower alone: marked %v, %v", got, err)
	}
}
