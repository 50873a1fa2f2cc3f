package bucket

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func newFolder(t testing.TB, dir string) *Folder {
	t.Helper()
	f, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestObjectAndFolderOfOneName(t *testing.T) {
	t.Parallel()
	f := newFolder(t, t.TempDir())
	put(t, f, "a/b/c", nil)
	for _, name := range []string{"a", "a/b", "a/b/c/d", "a/b/c/d/e"} {
		if err := f.Create(t.Context(), name, content("")); !errors.Is(err, ErrName) || errors.Is(err, ErrExists) {
			t.Errorf("creating %s next to a/b/c: %v, want ErrName", name, err)
		}
		mustBeAbsent(t, f, name)
	}
}

// TestTakenWhileWriting loses the name between the first look and the link.
func TestTakenWhileWriting(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, rival string
		want        error
	}{
		{"a/b", "a/b", ErrExists},
		{"a/b", "a/b/c", ErrName},
		{"a/b", "a", ErrName},
		{"a/b/c", "a", ErrName},
	} {
		f := newFolder(t, t.TempDir())
		err := f.Create(t.Context(), test.name, func(w io.Writer) error {
			put(t, f, test.rival, []byte("rival"))
			return content("late")(w)
		})
		if !errors.Is(err, test.want) {
			t.Errorf("%s after %s: %v, want %v", test.name, test.rival, err, test.want)
		}
		if got := string(get(t, f, test.rival)); got != "rival" {
			t.Errorf("%s reads %q", test.rival, got)
		}
	}
}

func TestFolderLinks(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), t.TempDir()
	writeFile(t, filepath.Join(outside, "secret"), "secret")
	f := newFolder(t, dir)
	put(t, f, "a/b", []byte("content"))
	symlink(t, outside, filepath.Join(dir, "out"))
	symlink(t, filepath.Join(outside, "secret"), filepath.Join(dir, "file"))
	symlink(t, "a", filepath.Join(dir, "in"))
	symlink(t, "..", filepath.Join(dir, "a", "up"))
	symlink(t, "nowhere", filepath.Join(dir, "broken"))

	for _, name := range []string{"out/new", "out/below/new", "file", "broken/new"} {
		if err := f.Create(t.Context(), name, content("")); err == nil {
			t.Errorf("%s was created outside", name)
		}
	}
	if diff := cmp.Diff([]string{"secret"}, files(t, outside)); diff != "" {
		t.Errorf("outside (-want +got):\n%s", diff)
	}
	if _, err := f.Open(t.Context(), "out/secret", 0, 0, -1); err == nil {
		t.Error("read outside the folder")
	}
	if diff := cmp.Diff([]string{"a/b", "in/b"}, list(t, f, "", "")); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
	if got := string(get(t, f, "in/b")); got != "content" {
		t.Errorf("in/b reads %q", got)
	}
}

func TestPrivateFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := newFolder(t, dir)
	put(t, f, "a", nil)
	old, fresh := filepath.Join(dir, private, "old"), filepath.Join(dir, private, "fresh")
	writeFile(t, old, "")
	writeFile(t, fresh, "")
	past := time.Now().Add(-stale - time.Hour)
	if err := os.Chtimes(old, past, past); err != nil {
		t.Fatal(err)
	}
	f = newFolder(t, dir)
	if diff := cmp.Diff([]string{private + "/fresh", "a"}, files(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a"}, list(t, f, "", "")); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
	mustBeAbsent(t, f, private+"/fresh")
}

func TestNothingIsLeftAside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := newFolder(t, dir)
	put(t, f, "a", nil)
	f.Create(t.Context(), "a", content(""))
	f.Create(t.Context(), "b", func(io.Writer) error { return errors.New("wrong") })
	if diff := cmp.Diff([]string{"a"}, files(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// TestListReadsOnlyWhatItMust fails if a folder is read that cannot hold what is asked for.
func TestListReadsOnlyWhatItMust(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"a/1", "b/c/1", "b/c/2", "b/d/1", "e/1"} {
		writeFile(t, filepath.Join(dir, name), "")
	}
	for _, test := range []struct {
		prefix, after string
		want          []string
	}{
		{"", "", []string{".", "a", "b", "b/c", "b/d", "e"}},
		{"b/", "", []string{"b", "b/c", "b/d"}},
		{"b/c", "", []string{"b", "b/c"}},
		{"b/c/", "", []string{"b/c"}},
		{"b/c/1", "", []string{"b/c"}},
		{"", "b/c/1", []string{".", "b", "b/c", "b/d", "e"}},
		{"", "b/c0", []string{".", "b", "b/d", "e"}},
		{"", "c", []string{".", "e"}},
		{"b/", "b/d", []string{"b", "b/d"}},
	} {
		fsys := watchedFS{os.DirFS(dir), new([]string)}
		walk{t.Context(), fsys, dir, test.prefix, test.after, func(Attrs, error) bool { return true }, checkName}.run()
		if diff := cmp.Diff(test.want, *fsys.read); diff != "" {
			t.Errorf("List(%q, %q) reads (-want +got):\n%s", test.prefix, test.after, diff)
		}
	}
}

// watchedFS notes which folders are read.
type watchedFS struct {
	fs.FS
	read *[]string
}

func (w watchedFS) ReadDir(name string) ([]fs.DirEntry, error) {
	*w.read = append(*w.read, name)
	return fs.ReadDir(w.FS, name)
}

const (
	killDir  = "BUCKET_TEST_KILL_DIR"
	killStep = "BUCKET_TEST_KILL_STEP"
)

// TestKilled kills a process after every step of a Create. Then the object is absent, and can be
// created, or it is whole; and nothing is listed besides.
func TestKilled(t *testing.T) {
	t.Parallel()
	whole := randomBytes(300_000)
	if dir := os.Getenv(killDir); dir != "" {
		f := newFolder(t, dir)
		step := 0
		f.after = func(string) {
			if step++; fmt.Sprint(step) == os.Getenv(killStep) {
				kill()
			}
		}
		err := f.Create(t.Context(), "runs/a/object", func(w io.Writer) error {
			for piece := range slices.Chunk(whole, 100_000) {
				if _, err := w.Write(piece); err != nil {
					return err
				}
				f.after("piece")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	var outcomes []string
	for step := 1; ; step++ {
		dir := t.TempDir()
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilled$")
		child.Env = append(os.Environ(), killDir+"="+dir, fmt.Sprint(killStep, "=", step))
		output, err := child.CombinedOutput()
		if err == nil {
			break
		}
		if child.ProcessState.Exited() {
			t.Fatalf("step %d: %v\n%s", step, err, output)
		}
		f := newFolder(t, dir)
		outcome := "whole"
		if err := f.Create(t.Context(), "runs/a/object", content(string(whole))); err == nil {
			outcome = "absent"
		} else if !errors.Is(err, ErrExists) {
			t.Errorf("killed after step %d: %v", step, err)
		}
		if !bytes.Equal(get(t, f, "runs/a/object"), whole) {
			t.Errorf("killed after step %d: the object is not whole", step)
		}
		if diff := cmp.Diff([]string{"runs/a/object"}, list(t, f, "", "")); diff != "" {
			t.Errorf("killed after step %d: List (-want +got):\n%s", step, diff)
		}
		outcomes = append(outcomes, outcome)
	}
	// create, 3 pieces, write, sync, folders | link, 3 folders synced
	want := append(slices.Repeat([]string{"absent"}, 7), slices.Repeat([]string{"whole"}, 4)...)
	if diff := cmp.Diff(want, outcomes); diff != "" {
		t.Errorf("outcomes by step (-want +got):\n%s", diff)
	}
}

// TestKilledAtRandom kills a process that creates one object after another; those that it said it
// had created are there, and every object is whole.
func TestKilledAtRandom(t *testing.T) {
	t.Parallel()
	body := func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, 20_000+i) }
	name := func(i int) string { return fmt.Sprintf("%d/%06d", i%3, i) }
	if dir := os.Getenv(killDir); dir != "" {
		f := newFolder(t, dir)
		for i := 0; ; i++ {
			if err := f.Create(t.Context(), name(i), content(string(body(i)))); err != nil && !errors.Is(err, ErrExists) {
				t.Fatal(err)
			}
			fmt.Println("created", i)
		}
	}
	dir := t.TempDir()
	last := -1
	for life := range 5 {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledAtRandom$")
		child.Env = append(os.Environ(), killDir+"="+dir)
		said, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		// Each life lasts until a few more objects are said to be there than the life before.
		var i int
		for goal := last + 3 + life; i < goal; {
			if _, err := fmt.Fscanf(said, "created %d\n", &i); err != nil {
				t.Fatal(err)
			}
		}
		child.Process.Kill()
		child.Wait()
		last = i
	}
	f := newFolder(t, dir)
	listed := map[string]bool{}
	for _, n := range list(t, f, "", "") {
		listed[n] = true
		var i int
		if _, err := fmt.Sscanf(n[2:], "%d", &i); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(get(t, f, n), body(i)) {
			t.Errorf("%s is not whole", n)
		}
	}
	for i := range last + 1 {
		if !listed[name(i)] {
			t.Errorf("%s was created and is gone", name(i))
		}
	}
}

func kill() {
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		panic(err)
	}
	self.Kill()
	select {}
}

// FuzzCreate creates objects of any name: each is refused, or lands inside the folder and is read,
// listed and found there under that very name.
func FuzzCreate(f *testing.F) {
	names := []string{"a", "a/b", ".tmp/a", "a/.tmp", "out/x", "a/b/../../../x", "CON", "~", "*"}
	for _, name := range append(names, badNames...) {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		around := t.TempDir()
		dir, outside := filepath.Join(around, "bucket"), filepath.Join(around, "outside")
		b := newFolder(t, dir)
		if err := os.Mkdir(outside, 0o755); err != nil {
			t.Fatal(err)
		}
		symlink(t, outside, filepath.Join(dir, "out"))
		err := b.Create(t.Context(), name, content("content"))
		if bad := checkName(name); errors.Is(err, ErrName) != (bad != nil) {
			t.Fatalf("Create: %v; checkName: %v", err, bad)
		}
		want := []string{"bucket/out"}
		if err == nil {
			want = append(want, "bucket/"+name)
			slices.Sort(want)
			if got := string(get(t, b, name)); got != "content" {
				t.Errorf("read %q", got)
			}
			if diff := cmp.Diff([]string{name}, list(t, b, name, "")); diff != "" {
				t.Errorf("List (-want +got):\n%s", diff)
			}
		} else if _, err := b.Stat(t.Context(), name); err == nil {
			t.Error("refused, and there")
		}
		if diff := cmp.Diff(want, files(t, around)); diff != "" {
			t.Errorf("files (-want +got):\n%s", diff)
		}
	})
}

func BenchmarkFolderCreate(b *testing.B) {
	f := newFolder(b, b.TempDir())
	data := string(randomBytes(4 << 10))
	for i := 0; b.Loop(); i++ {
		if err := f.Create(b.Context(), fmt.Sprintf("shards/%04d/%07d", i/1000, i), content(data)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFolderList(b *testing.B) {
	dir := b.TempDir()
	const objects = 20_000
	for i := range objects {
		writeFile(b, filepath.Join(dir, fmt.Sprintf("%02d/%07d", i%20, i)), "")
	}
	f := newFolder(b, dir)
	for b.Loop() {
		if got := len(list(b, f, "", "")); got != objects {
			b.Fatalf("%d objects", got)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/objects, "ns/object")
}

func list(t testing.TB, b Reader, prefix, after string) []string {
	t.Helper()
	var names []string
	for attrs, err := range b.List(t.Context(), prefix, after) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, attrs.Name)
	}
	return names
}

// files are the paths of everything but folders below dir, ascending.
func files(t testing.TB, dir string) []string {
	t.Helper()
	found := map[string]bool{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			found[path] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(found))
}

func writeFile(t testing.TB, path, data string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

func symlink(t testing.TB, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}
