package router_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

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
