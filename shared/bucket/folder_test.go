package bucket_test

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
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/bucket/buckettest"
)

func newFolder(t testing.TB, dir string) *bucket.Folder {
	t.Helper()
	f, err := bucket.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestObjectAndFolderOfOneName(t *testing.T) {
	t.Parallel()
	f := newFolder(t, t.TempDir())
	buckettest.Put(t, f, "a/b/c", nil)
	for _, name := range []string{"a", "a/b", "a/b/c/d", "a/b/c/d/e"} {
		err := f.Create(t.Context(), name, buckettest.Content(""))
		if !errors.Is(err, bucket.ErrName) || errors.Is(err, bucket.ErrExists) {
			t.Errorf("creating %s next to a/b/c: %v, want ErrName", name, err)
		}
		buckettest.MustBeAbsent(t, f, name)
	}
}

// TestTakenWhileWriting has another writer create the object between the first check and the link.
func TestTakenWhileWriting(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, rival string
		want        error
	}{
		{"a/b", "a/b", bucket.ErrExists},
		{"a/b", "a/b/c", bucket.ErrName},
		{"a/b", "a", bucket.ErrName},
		{"a/b/c", "a", bucket.ErrName},
	} {
		f := newFolder(t, t.TempDir())
		err := f.Create(t.Context(), test.name, func(w io.Writer) error {
			buckettest.Put(t, f, test.rival, []byte("rival"))
			return buckettest.Content("late")(w)
		})
		if !errors.Is(err, test.want) {
			t.Errorf("%s after %s: %v, want %v", test.name, test.rival, err, test.want)
		}
		if got := string(buckettest.Get(t, f, test.rival)); got != "rival" {
			t.Errorf("%s reads %q", test.rival, got)
		}
	}
}

func TestFolderLinks(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), t.TempDir()
	writeFile(t, filepath.Join(outside, "secret"), "secret")
	f := newFolder(t, dir)
	buckettest.Put(t, f, "a/b", []byte("content"))
	symlink(t, outside, filepath.Join(dir, "out"))
	symlink(t, filepath.Join(outside, "secret"), filepath.Join(dir, "file"))
	symlink(t, "a", filepath.Join(dir, "in"))
	symlink(t, "..", filepath.Join(dir, "a", "up"))
	symlink(t, "nowhere", filepath.Join(dir, "broken"))

	for _, name := range []string{"out/new", "out/below/new", "file", "broken/new"} {
		if err := f.Create(t.Context(), name, buckettest.Content("")); err == nil {
			t.Errorf("%s was created outside", name)
		}
	}
	if diff := cmp.Diff([]string{"secret"}, files(t, outside)); diff != "" {
		t.Errorf("files outside the folder (-want +got):\n%s", diff)
	}
	if _, err := f.Open(t.Context(), "out/secret", 0, 0, -1); err == nil {
		t.Error("read outside the folder")
	}
	if diff := cmp.Diff([]string{"a/b", "file", "in/b", "out"}, list(t, f, "", "")); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
	if got := string(buckettest.Get(t, f, "in/b")); got != "content" {
		t.Errorf("in/b reads %q", got)
	}
}

// TestLinkOut checks that a link out of a folder is a permanent error of its object.
func TestLinkOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := filepath.Join(dir, "bucket")
	folder := newFolder(t, at)
	writeFile(t, filepath.Join(dir, "outside", "a"), "a")
	for _, target := range []string{filepath.Join(dir, "outside"), "../outside", "/no/such/folder"} {
		link := filepath.Join(at, "link")
		symlink(t, target, link)
		_, err := folder.Stat(t.Context(), "link/a")
		fault, ok := errors.AsType[*bucket.LinkError](err)
		if !ok || fault.Folder != at || !errors.Is(err, bucket.ErrUnreadable) || errors.Is(err, bucket.ErrNotExist) {
			t.Errorf("%s: %v, want a LinkError", target, err)
		}
		if got := list(t, folder, "", ""); len(got) != 1 || got[0] != "link" {
			t.Errorf("%s: listed %q, want the link", target, got)
		}
		err = folder.Create(t.Context(), "link/b", func(io.Writer) error { return nil })
		if machine, ok := errors.AsType[*bucket.MachineError](err); !ok || machine.Folder != at {
			t.Errorf("%s: creating below it: %v, want a MachineError", target, err)
		}
		if err := os.Remove(link); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPrivateFolder opens a folder with temporary files: of a killed process, and of a process that still writes an
// object. Only the file of the killed process is removed.
func TestPrivateFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := newFolder(t, dir)
	buckettest.Put(t, f, "a", nil)
	killed := filepath.Join(dir, bucket.Private, "killed")
	writeFile(t, killed, "")
	err := f.Create(t.Context(), "b", func(w io.Writer) error {
		if n := len(files(t, dir)); n != 3 {
			t.Errorf("%d files before the folder is opened again, want 3", n)
		}
		other := newFolder(t, dir)
		if _, err := os.Stat(killed); !errors.Is(err, os.ErrNotExist) || len(files(t, dir)) != 2 {
			t.Errorf("files after the folder was opened again: %q", files(t, dir))
		}
		if diff := cmp.Diff([]string{"a"}, list(t, other, "", "")); diff != "" {
			t.Errorf("List (-want +got):\n%s", diff)
		}
		buckettest.MustBeAbsent(t, other, bucket.Private+"/killed")
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"a", "b"}, files(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestNoTemporaryFileIsLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := newFolder(t, dir)
	buckettest.Put(t, f, "a", nil)
	f.Create(t.Context(), "a", buckettest.Content(""))
	f.Create(t.Context(), "b", func(io.Writer) error { return errors.New("wrong") })
	if diff := cmp.Diff([]string{"a"}, files(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

const (
	killDir  = "BUCKET_TEST_KILL_DIR"
	killStep = "BUCKET_TEST_KILL_STEP"
)

// TestKilled kills a process after every step of a Create. Afterwards the object is missing, and can be created, or it
// is complete. No other object is listed.
func TestKilled(t *testing.T) {
	t.Parallel()
	whole := buckettest.RandomBytes(300_000)
	if dir := os.Getenv(killDir); dir != "" {
		f := newFolder(t, dir)
		step := 0
		after := func(string) {
			if step++; fmt.Sprint(step) == os.Getenv(killStep) {
				kill()
			}
		}
		bucket.AfterSteps(f, after)
		err := f.Create(t.Context(), "runs/a/object", func(w io.Writer) error {
			for piece := range slices.Chunk(whole, 100_000) {
				if _, err := w.Write(piece); err != nil {
					return err
				}
				after("piece")
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
		if err := f.Create(t.Context(), "runs/a/object", buckettest.Content(string(whole))); err == nil {
			outcome = "absent"
		} else if !errors.Is(err, bucket.ErrExists) {
			t.Errorf("killed after step %d: %v", step, err)
		}
		if !bytes.Equal(buckettest.Get(t, f, "runs/a/object"), whole) {
			t.Errorf("killed after step %d: the object is not complete", step)
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

// TestKilledAtRandom kills a process that creates one object after another. All objects that it reported as created
// exist, and every object is complete.
func TestKilledAtRandom(t *testing.T) {
	t.Parallel()
	body := func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, 20_000+i) }
	name := func(i int) string { return fmt.Sprintf("%d/%06d", i%3, i) }
	if dir := os.Getenv(killDir); dir != "" {
		f := newFolder(t, dir)
		for i := 0; ; i++ {
			err := f.Create(t.Context(), name(i), buckettest.Content(string(body(i))))
			if err != nil && !errors.Is(err, bucket.ErrExists) {
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
		// Each process lives until it has reported a few more objects than the process before.
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
		if !bytes.Equal(buckettest.Get(t, f, n), body(i)) {
			t.Errorf("%s is not complete", n)
		}
	}
	for i := range last + 1 {
		if !listed[name(i)] {
			t.Errorf("%s was created, and is missing", name(i))
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

// FuzzCreate creates objects of any name. A name is refused, or the object lies inside the folder, and reading and
// listing find it by this name.
func FuzzCreate(f *testing.F) {
	names := []string{"a", "a/b", ".tmp/a", "a/.tmp", "o", "out/x", "a/b/../../../x", "CON", "~", "*"}
	for _, name := range append(names, buckettest.BadNames()...) {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		around := t.TempDir()
		dir, outside := filepath.Join(around, "bucket"), filepath.Join(around, "outside")
		b := newFolder(t, dir)
		if err := os.Mkdir(outside, 0o755); err != nil {
			t.Fatal(err)
		}
		link := "out"
		symlink(t, outside, filepath.Join(dir, link))
		err := b.Create(t.Context(), name, buckettest.Content("content"))
		if bad := bucket.CheckName(name); errors.Is(err, bucket.ErrName) != (bad != nil) {
			t.Fatalf("Create: %v; bucket.CheckName: %v", err, bad)
		}
		want := []string{"bucket/out"}
		if err == nil {
			want = append(want, "bucket/"+name)
			slices.Sort(want)
			if got := string(buckettest.Get(t, b, name)); got != "content" {
				t.Errorf("read %q", got)
			}
			listed := []string{name}
			if strings.HasPrefix(link, name) { // the link is listed, too: reading it returns the error
				listed = append(listed, link)
			}
			if diff := cmp.Diff(listed, list(t, b, name, "")); diff != "" {
				t.Errorf("List (-want +got):\n%s", diff)
			}
		} else if _, err := b.Stat(t.Context(), name); err == nil {
			t.Error("the name was refused, but the object exists")
		}
		if diff := cmp.Diff(want, files(t, around)); diff != "" {
			t.Errorf("files (-want +got):\n%s", diff)
		}
	})
}

func BenchmarkFolderCreate(b *testing.B) {
	f := newFolder(b, b.TempDir())
	data := string(buckettest.RandomBytes(4 << 10))
	for i := 0; b.Loop(); i++ {
		if err := f.Create(b.Context(), fmt.Sprintf("shards/%04d/%07d", i/1000, i), buckettest.Content(data)); err != nil {
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

func list(t testing.TB, b bucket.Reader, prefix, after string) []string {
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

// files returns the paths of all files below dir, ascending.
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
