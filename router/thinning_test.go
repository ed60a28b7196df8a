package router_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/router"
)

// A flood of failures is a hundred lines and ten a second more, which together
// stand for every one of them. Other kinds are not drowned by it.
func TestFloodOfFailuresIsThinned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		routes := gin.New()
		routes.Use(router.AccessLog(slog.New(slog.NewJSONHandler(&log, nil))))
		routes.GET("/refused", func(c *gin.Context) { c.Status(http.StatusForbidden) })
		routes.GET("/tencent", func(c *gin.Context) { c.Set("code", "errcode_40125") }) // with status 200
		routes.GET("/broken", func(c *gin.Context) { c.Status(http.StatusServiceUnavailable) })
		ask := func(path string, times int) {
			for range times {
				routes.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, http.NoBody))
			}
		}
		ask("/refused", 1000)
		ask("/tencent", 1000)
		ask("/broken", 1)
		time.Sleep(time.Second)
		ask("/refused", 1)
		ask("/not-there", 1)

		lines, sums := map[string]int{}, map[string]int64{}
		for scanner := bufio.NewScanner(&log); scanner.Scan(); {
			var line struct {
				Path   string `json:"path"`
				Sample int64  `json:"sample"`
			}
			if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
				t.Fatal(err)
			}
			lines[line.Path]++
			sums[line.Path] += line.Sample
		}
		if lines["/tencent"] != 100 {
			t.Errorf("%d lines of failures in Tencent's shape, want 100", lines["/tencent"])
		}
		if lines["/refused"] != 101 || sums["/refused"] != 1001 || lines["/broken"] != 1 || lines["unrouted"] != 1 {
			t.Errorf("lines %v, which stand for %v", lines, sums)
		}
	})
}

// The errcode of a relayed answer may be any number: such lines are few, too, and
// so is what is remembered of them.
func TestFloodOfErrcodesIsThinned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		routes := gin.New()
		routes.Use(router.AccessLog(slog.New(slog.NewJSONHandler(&log, nil))))
		n := 0
		routes.GET("/relayed", func(c *gin.Context) { n++; c.Set("code", "errcode_"+strconv.Itoa(n)) })
		for range 3000 {
			routes.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/relayed", http.NoBody))
		}
		if lines := bytes.Count(log.Bytes(), []byte("\n")); lines != 1100 {
			t.Errorf("%d lines, want one for each of 1,000 kinds and 100 for all others", lines)
		}
	})
}

// A program that asks for its token before each of its own calls gets a hundred
// lines and ten a second more; another one that asks once is seen all the same.
func TestFloodOfAnswersIsThinned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		routes := gin.New()
		routes.Use(router.AccessLog(slog.New(slog.NewJSONHandler(&log, nil))))
		routes.GET("/value", func(c *gin.Context) { c.Status(http.StatusOK) })
		ask := func(client string, times int) {
			for range times {
				r := httptest.NewRequest(http.MethodGet, "/value", http.NoBody)
				r.RemoteAddr = client + ":1234"
				routes.ServeHTTP(httptest.NewRecorder(), r)
			}
		}
		ask("192.0.2.1", 1000)
		ask("192.0.2.2", 1)
		time.Sleep(time.Second)
		ask("192.0.2.1", 1)

		lines, sums := map[string]int{}, map[string]int64{}
		for scanner := bufio.NewScanner(&log); scanner.Scan(); {
			var line struct {
				Client string `json:"client"`
				Sample int64  `json:"sample"`
			}
			if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
				t.Fatal(err)
			}
			lines[line.Client]++
			sums[line.Client] += line.Sample
		}
		if lines["192.0.2.1"] != 101 || sums["192.0.2.1"] != 1001 || lines["192.0.2.2"] != 1 {
			t.Errorf("lines %v, which stand for %v", lines, sums)
		}
	})
}

// thinLog is an access log in front of routes of a test, and what it wrote.
type thinLog struct {
	*gin.Engine
	text bytes.Buffer
}

func newThinLog() *thinLog {
	l := &thinLog{Engine: gin.New()}
	l.Use(router.AccessLog(slog.New(slog.NewJSONHandler(&l.text, nil))))
	return l
}

func (l *thinLog) ask(client, path string) {
	r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
	r.RemoteAddr = client
	l.ServeHTTP(httptest.NewRecorder(), r)
}

// lines counts them by path, and for how many they stand in all.
func (l *thinLog) lines(t *testing.T) (byPath map[string]int, sum int64) {
	t.Helper()
	byPath = map[string]int{}
	for scanner := bufio.NewScanner(&l.text); scanner.Scan(); {
		var line struct {
			Path   string `json:"path"`
			Sample int64  `json:"sample"`
		}
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		byPath[line.Path]++
		sum += line.Sample
	}
	return byPath, sum
}

// visitorAt is the n-th of many addresses.
func visitorAt(n int) string { return fmt.Sprintf("10.0.%d.%d:1234", n/256, n%256) }

// Regression: failures shared a table with good answers. After 1,000 visitors, who
// saw nothing of it, the first failures of a kind competed with all of them for ten
// lines a second. Errcodes that a caller makes up hide none, either.
func TestVisitorsHideNoFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, errcode := newThinLog(), 0
		log.GET("/page", func(c *gin.Context) { c.Status(http.StatusOK) })
		log.GET("/relayed", func(c *gin.Context) { errcode++; c.Set("code", "errcode_"+strconv.Itoa(errcode)) })
		want := map[string]int{"/page": 1100, "/relayed": 1100}
		for _, status := range []int{401, 403, 500, 503} {
			path := "/" + strconv.Itoa(status)
			log.GET(path, func(c *gin.Context) { c.Status(status) })
			want[path] = 1
		}
		for n := range 3000 {
			log.ask(visitorAt(n), "/page")
			log.ask(visitorAt(n), "/relayed")
		}
		for path, lines := range want {
			if lines == 1 {
				log.ask(visitorAt(5000), path)
			}
		}
		if lines, _ := log.lines(t); !cmp.Equal(want, lines) {
			t.Errorf("lines (-want +got):\n%s", cmp.Diff(want, lines))
		}
	})
}

// Whoever comes from ever new networks gets few lines, and they stand for all.
func TestFloodOfVisitorsIsThinned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := newThinLog()
		log.GET("/page", func(c *gin.Context) { c.Status(http.StatusOK) })
		const known, visitors = 150, 5000
		for range known {
			log.ask(visitorAt(0), "/page")
		}
		for n := range visitors {
			log.ask(visitorAt(n+1), "/page")
		}
		time.Sleep(time.Second)
		log.ask(visitorAt(visitors+1), "/page")
		lines, sum := log.lines(t)
		if want := 100 + 999 + 100 + 1; lines["/page"] != want || sum != known+visitors+1 {
			t.Errorf("%d lines, want %d; they stand for %d, want %d", lines["/page"], want, sum, known+visitors+1)
		}
	})
}

// A household in IPv6 is one client, whatever address it takes.
func TestVisitorsOfOneNetworkAreOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := newThinLog()
		log.GET("/page", func(c *gin.Context) { c.Status(http.StatusOK) })
		for n := range 300 {
			log.ask(fmt.Sprintf("[2001:db8::%x]:1234", n), "/page")
		}
		if lines, _ := log.lines(t); lines["/page"] != 100 {
			t.Errorf("%d lines, want 100", lines["/page"])
		}
	})
}
