// WCAG 2.2, success criterion 1.4.3, from the styles that the browser computed.
const channels = (css) => css.match(/[\d.]+/g).map(Number);
const luminance = (css) => {
  const [r, g, b] = channels(css).slice(0, 3).map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const opaque = (css) => css.startsWith("rgb") && (channels(css)[3] ?? 1) === 1;
const behind = (element) => {
  for (let each = element; each; each = each.parentElement) {
    const box = each.matches(".place") && getComputedStyle(each.querySelector("rect")).fill;
    const css = box || getComputedStyle(each).backgroundColor;
    if (opaque(css)) return css;
  }
  return "rgb(255, 255, 255)";
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const found = [];
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  const text = walker.currentNode.textContent.trim();
  if (!text || element.closest("script, title, option") || !element.checkVisibility()) continue;
  const style = getComputedStyle(element);
  const ink = element.closest("svg") ? style.fill : style.color;
  const [high, low] = [luminance(ink), luminance(behind(element))].sort((a, b) => b - a);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  found.push({ text: text.slice(0, 40), ratio: (high + 0.05) / (low + 0.05), least: large ? 3 : 4.5 });
}
return found;
