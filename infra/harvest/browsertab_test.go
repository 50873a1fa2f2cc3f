package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// startBrowser starts Chromium.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil || os.Getenv("HARVEST_AXE") == "" {
		t.Skip("not tested: `.ci/run browser` installs Chromium and axe-core, and sets HARVEST_AXE")
	}
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options, chromedp.ExecPath(chromium), chromedp.NoSandbox)
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	browser, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(browser); err != nil {
		t.Fatal(err)
	}
	return browser
}

// A reportTab is a page in a browser.
type reportTab struct {
	*testing.T
	ctx context.Context

	mu       sync.Mutex
	messages []string // messages of the console, and requests that the page should not make
}

// openTab opens a page. The page may request only URLs for which allowed is true.
func openTab(t *testing.T, browser context.Context, address string, allowed func(url string) bool) *reportTab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	tab := &reportTab{T: t, ctx: ctx}
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	console := chromedp.Console(ctx)
	go func() {
		for message, err := range console {
			if err != nil {
				return
			}
			tab.note(message.String())
		}
	}()
	err := chromedp.Listen(ctx, func(event any) {
		if sent, ok := event.(*network.EventRequestWillBeSent); ok {
			if url := sent.Request.URL; url != address && !strings.HasPrefix(url, "data:") && !allowed(url) {
				tab.note("request for " + url)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(address)); err != nil {
		t.Fatal(err)
	}
	return tab
}

func (r *reportTab) note(message string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = append(r.messages, message)
}

func evaluate[T any](r *reportTab, script string) T {
	r.Helper()
	value, err := chromedp.Run(r.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		r.Fatalf("%s: %v", script, err)
	}
	return value
}

func (r *reportTab) setTheme(theme string) {
	r.Helper()
	_, err := chromedp.Call(r.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}},
	})
	if err != nil {
		r.Fatal(err)
	}
}

// checkAccessible checks the page with axe-core, after it has opened all details of the page.
func (r *reportTab) checkAccessible(theme string) {
	r.Helper()
	evaluate[bool](r, readFile(r.T, os.Getenv("HARVEST_AXE"))+"; true")
	found := evaluate[[]string](r, `(async () => {
		document.querySelectorAll("details").forEach((d, i) => { if (i < 40) d.open = true; });
		const result = await axe.run();
		document.querySelectorAll("details").forEach(d => { d.open = false; });
		return result.violations.filter(v => ["serious", "critical"].includes(v.impact))
			.map(v => v.id + ": " + v.nodes.length + " such as " + v.nodes[0].html.slice(0, 200));
	})()`)
	for _, violation := range found {
		r.Errorf("%s: %s", theme, violation)
	}
}

// screenshots writes screenshots of the page at both widths, and checks that the page is not wider than the screen.
func (r *reportTab) screenshots(name string) {
	r.Helper()
	for _, width := range []int64{1280, 390} {
		if err := chromedp.Do(r.ctx, chromedp.EmulateViewport(width, 900)); err != nil {
			r.Fatal(err)
		}
		if wide := evaluate[int64](r, `document.documentElement.scrollWidth`); wide > width {
			r.Errorf("at %d pixels the page is %d wide", width, wide)
		}
		folder := os.Getenv("HARVEST_SCREENSHOTS")
		if folder == "" {
			continue
		}
		picture, err := chromedp.Run(r.ctx, chromedp.FullScreenshot(100))
		if err == nil {
			err = os.MkdirAll(folder, 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, fmt.Sprintf("%s-%d.png", name, width)), picture, 0o644)
		}
		if err != nil {
			r.Fatal(err)
		}
	}
}

// checkQuiet checks that the page wrote nothing to the console and made no forbidden request.
func (r *reportTab) checkQuiet() {
	r.Helper()
	time.Sleep(100 * time.Millisecond) // events come a moment later
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, message := range r.messages {
		r.Error(message)
	}
}
