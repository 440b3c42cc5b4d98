import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { after, before, beforeEach, describe, it } from 'mocha'
import type { Browser, Page } from 'playwright-core'
import { installedBrowser, launchBrowser } from './support/browser.js'
import { results } from './support/results.js'

const bench = fileURLToPath(new URL('../index.js', import.meta.url))

describe('npm run bench -- --from <file> --report <file>', () => {
  let folder: string
  let saved: string
  let report: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'anyfork-bench-test-'))
    saved = join(folder, 'saved.json')
    report = join(folder, 'report.html')
    writeFileSync(saved, results.map(result => JSON.stringify(result)).join('\n'))
  })
  after(() => rmSync(folder, { recursive: true }))

  const run = (...args: string[]) => promisify(execFile)(process.execPath, [bench, ...args])

  it('fails without --report, with a file that lacks results, or with a benchmark that the file lacks', async () => {
    await assert.rejects(run('--from', saved), /--from needs --report/)
    await assert.rejects(run('--from', bench, '--report', report), /expected JSON in line 1/)
    await assert.rejects(run('rpc-large', '--from', saved, '--report', report), /has no results of rpc-large/)
  })

  it('writes a report of the named benchmarks only', async () => {
    await run('scaling', '--from', saved, '--report', report)
    const page = readFileSync(report, 'utf8')
    assert.deepEqual(page.match(/(?<=<section id=")[^"]*/g), ['scaling'])
  })

  describe('in a browser', () => {
    let browser: Browser
    let page: Page
    let problems: string[]
    const requests: string[] = []
    before(async function () {
      const program = installedBrowser()
      if (!program) return this.skip()
      await run('--from', saved, '--report', report)
      browser = await launchBrowser(program)
    })
    after(async () => await browser?.close())

    beforeEach(async () => {
      problems = []
      requests.length = 0
      await page?.close()
      page = await browser.newPage({ colorScheme: 'dark' })
      page.on('console', message => problems.push(message.text()))
      page.on('pageerror', error => problems.push(error.message))
      page.on('dialog', dialog => problems.push(dialog.message()))
      page.on('request', request => requests.push(request.url()))
      await page.goto(pathToFileURL(report).href)
    })

    const visible = async (selector: string): Promise<string[]> =>
      await page.locator(selector).filter({ visible: true }).allTextContents()
    const questions = () => visible('h2 a')
    const heights = async (): Promise<number[]> =>
      await page
        .locator('#latency svg')
        .evaluateAll(charts => charts.map(chart => Number(chart.getAttribute('height'))))

    it('shows a chart per setting with a bar per row, prints nothing to the console, and loads nothing else', async () => {
      assert.deepEqual(await questions(), ['latency', 'scaling', 'hostile'])
      assert.deepEqual(
        await page.locator('section').evaluateAll(all => all.map(one => one.querySelectorAll('svg').length)),
        [2, 1, 1],
      )
      const bars = page.locator('#latency svg >> nth=0').locator('g[data-peer] path:nth-of-type(2)')
      const widths = await bars.evaluateAll(all => all.map(bar => bar.getBoundingClientRect().width))
      assert.equal(widths.length, 3)
      assert.ok(widths[1]! > 0 && widths[0]! > widths[1]! && widths[2]! > widths[0]!, `${widths}`)
      assert.deepEqual(problems, [])
      assert.deepEqual(requests, [pathToFileURL(report).href])
      assert.ok(statSync(report).size < 2e6)
    })

    it('shows only the questions that have all typed words', async () => {
      await page.fill('#words', 'long CALL')
      assert.deepEqual(await questions(), ['latency'])
      assert.deepEqual(await visible('nav a'), ['How long does a call take?'])
      assert.equal(await page.textContent('#shown'), '1 of 3 questions, all 5 peers')
      await page.click('button[type=reset]')
      await page.locator('#shown', { hasText: 'all 3 questions, all 5 peers' }).waitFor()
      assert.deepEqual(await questions(), ['latency', 'scaling', 'hostile'])
    })

    it('shows only the chosen peers in tables and charts, and no gaps', async () => {
      const before = await heights()
      await page.click('#none')
      assert.deepEqual(await questions(), [])
      await page.check('input[value=piscina]')
      assert.deepEqual(await questions(), ['latency'])
      assert.deepEqual(await visible('tbody th'), ['piscina'])
      assert.deepEqual(await visible('#latency g[data-peer] text:first-of-type'), ['piscina'])
      assert.deepEqual(await heights(), [before[0]! - 2 * 24, before[1]! - 2 * 24])
      const [chart, row] = await Promise.all(
        ['#latency svg >> nth=0', '#latency g[data-peer=piscina]'].map(selector =>
          page.locator(selector).boundingBox(),
        ),
      )
      assert.ok(row!.y > chart!.y && row!.y + row!.height <= chart!.y + chart!.height, JSON.stringify({ chart, row }))
      await page.click('#all')
      assert.deepEqual(await heights(), before)
    })

    it('can be filtered with the keyboard alone', async () => {
      await page.focus('#words')
      await page.keyboard.type('scale')
      assert.deepEqual(await questions(), ['scaling'])
      await page.focus('input[name=peer]')
      await page.keyboard.press('Space')
      assert.deepEqual(await questions(), [])
    })

    it('saves the numbers that it shows as a file for --from', async () => {
      const [download] = await Promise.all([page.waitForEvent('download'), page.click('#save')])
      assert.equal(download.suggestedFilename(), 'benchmarks.json')
      assert.deepEqual(JSON.parse(readFileSync(await download.path(), 'utf8')), results)
    })

    it('follows the colour scheme of the reader, and prints on white', async () => {
      const colours = async (): Promise<[background: string, bar: string]> => [
        await page.locator('body').evaluate(body => getComputedStyle(body).backgroundColor),
        await page
          .locator('g[data-peer] path:nth-of-type(2)')
          .first()
          .evaluate(bar => getComputedStyle(bar).fill),
      ]
      const dark = await colours()
      await page.emulateMedia({ colorScheme: 'light' })
      const light = await colours()
      assert.notDeepEqual(dark, light)
      assert.equal(light[0], 'rgb(255, 255, 255)')
      await page.emulateMedia({ colorScheme: 'dark', media: 'print' })
      assert.deepEqual(await colours(), light)
    })
  })
})
