package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// newDataset writes a dataset below dir: dataset.json with `size` samples, and images of pixels x pixels next to it.
// Equal arguments give equal datasets.
func newDataset(t *testing.T, dir string, size, pixels int) string {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	asks := []struct{ question, answer string }{
		{"What colour is the shape on the left?", "Red"},
		{"How many shapes are there? Answer with a number.", "%d"},
		{"Is the circle larger than the square? Answer yes or no.", "Yes"},
		{
			"Describe the image in detail.",
			"The image shows %d shapes on a plain ground. The largest is a red circle, and to its right stands a blue " +
				"square, half as high.",
		},
		{"Which one is it?\nA. a circle\nB. a square\nAnswer with the option's letter.", "B"},
		{
			"Why does the sum of the angles change? Explain step by step.",
			"First, each corner adds %d degrees. Then the sum follows: 4 * 90 = 360. Therefore it grows with the corners.",
		},
	}
	var records []string
	for i := range size {
		name := fmt.Sprintf("source%d/%04d.png", i%4, i)
		writePNG(t, filepath.Join(dir, name), pixels, random)
		ask := asks[random.IntN(len(asks))]
		if strings.Contains(ask.answer, "%d") {
			ask.answer = fmt.Sprintf(ask.answer, random.IntN(100))
		}
		record, err := json.Marshal(map[string]any{
			"id": fmt.Sprintf("sample-%04d", i), "image": name,
			"conversations": []map[string]string{
				{"from": "human", "value": "<image>\n" + ask.question}, {"from": "gpt", "value": ask.answer},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, string(record))
	}
	return writeFile(t, filepath.Join(dir, "dataset.json"), "[\n"+strings.Join(records, ",\n")+"\n]\n")
}

// writePNG writes an image of coarse noise.
func writePNG(t *testing.T, path string, pixels int, random *rand.Rand) {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, pixels, pixels))
	for i := 0; i < len(img.Pix); i += 8 {
		shade := uint8(random.Uint32())
		for j := range img.Pix[i:min(i+8, len(img.Pix))] {
			img.Pix[i+j] = shade
		}
	}
	var data bytes.Buffer
	if err := png.Encode(&data, img); err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, data.String())
}

func writeFile(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// demoFolder returns the absolute path of the folder with the demo's dataset and images.
func demoFolder(t *testing.T) string {
	t.Helper()
	folder, err := filepath.Abs(filepath.Dir(demo))
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// writeIDs writes a file with the ids of the first samples of newDataset.
func writeIDs(t *testing.T, name string, samples int) {
	t.Helper()
	var ids strings.Builder
	for i := range samples {
		fmt.Fprintf(&ids, "sample-%04d\n", i)
	}
	writeFile(t, name, ids.String())
}
