/* Logistic regression by Newton's method, one problem at a time, threads over the problems: what a careful C programmer
   would write. X (problems, n, p) and y (problems, n) row-major; coef (problems, p + 1), the intercept last;
   steps (problems). The mean negative log-likelihood plus l2/2 |slopes|^2; stops when the scaled gradient is <= tol.
   Returns 0, or 1 when memory ran out. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_STEPS 50

typedef struct { float *columns, *scale, *beta, *gradient, *hessian, *eta, *weight, *residual, *weighted; } Work;

/* Columns of one problem, the constant last, and their root mean squares. */
static void transpose(const float *x, Work w, int n, int p) {
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < p; j++) w.columns[j * n + i] = x[i * p + j];
        w.columns[p * n + i] = 1;
    }
    for (int j = 0; j <= p; j++) {
        const float *column = w.columns + j * n;
        float sum = 0;
        for (int i = 0; i < n; i++) sum += column[i] * column[i];
        w.scale[j] = sqrtf(sum / n);
    }
}

/* Fills weight, residual and gradient at beta; returns the scaled gradient. */
static float differentiate(const float *y, Work w, int n, int p, float l2) {
    memset(w.eta, 0, n * sizeof(float));
    for (int j = 0; j <= p; j++) {
        const float *column = w.columns + j * n, slope = w.beta[j];
        for (int i = 0; i < n; i++) w.eta[i] += slope * column[i];
    }
    for (int i = 0; i < n; i++) {
        float probability = 1 / (1 + expf(-w.eta[i]));
        w.residual[i] = probability - y[i];
        w.weight[i] = probability * (1 - probability);
    }
    float largest = 0;
    for (int j = 0; j <= p; j++) {
        const float *column = w.columns + j * n;
        float sum = 0;
        for (int i = 0; i < n; i++) sum += column[i] * w.residual[i];
        w.gradient[j] = sum / n + (j < p ? l2 * w.beta[j] : 0);
        largest = fmaxf(largest, fabsf(w.gradient[j]) / w.scale[j]);
    }
    return largest;
}

static void curvature(Work w, int n, int p, float l2) {
    int q = p + 1;
    for (int j = 0; j < q; j++) {
        const float *column = w.columns + j * n;
        for (int i = 0; i < n; i++) w.weighted[i] = column[i] * w.weight[i];
        for (int k = 0; k <= j; k++) {
            const float *other = w.columns + k * n;
            float sum = 0;
            for (int i = 0; i < n; i++) sum += w.weighted[i] * other[i];
            w.hessian[j * q + k] = sum / n;
        }
        if (j < p) w.hessian[j * q + j] += l2;
    }
}

/* beta -= H^-1 gradient, by Cholesky in place. */
static void newton_step(Work w, int q) {
    float *H = w.hessian, *g = w.gradient;
    for (int j = 0; j < q; j++) {
        for (int k = 0; k < j; k++) H[j * q + j] -= H[j * q + k] * H[j * q + k];
        H[j * q + j] = sqrtf(H[j * q + j]);
        for (int i = j + 1; i < q; i++) {
            for (int k = 0; k < j; k++) H[i * q + j] -= H[i * q + k] * H[j * q + k];
            H[i * q + j] /= H[j * q + j];
        }
    }
    for (int j = 0; j < q; j++) {
        for (int k = 0; k < j; k++) g[j] -= H[j * q + k] * g[k];
        g[j] /= H[j * q + j];
    }
    for (int j = q - 1; j >= 0; j--) {
        for (int k = j + 1; k < q; k++) g[j] -= H[k * q + j] * g[k];
        g[j] /= H[j * q + j];
    }
    for (int j = 0; j < q; j++) w.beta[j] -= g[j];
}

static int fit(const float *x, const float *y, Work w, int n, int p, float l2, float tol) {
    transpose(x, w, n, p);
    memset(w.beta, 0, (p + 1) * sizeof(float));
    int step = 0;
    while (differentiate(y, w, n, p, l2) > tol && step < MAX_STEPS) {
        curvature(w, n, p, l2);
        newton_step(w, p + 1);
        step++;
    }
    return step;
}

int newton(const float *X, const float *y, float *coef, int *steps, int problems, int n, int p, float l2, float tol) {
    size_t q = (size_t)p + 1;
    int failed = 0;
    #pragma omp parallel reduction(| : failed)
    {
        float *buffer = malloc((q * n + 3 * q + q * q + 4 * (size_t)n) * sizeof(float)), *next = buffer;
        failed = buffer == NULL;
        Work w = {0};
        if (buffer) {
            w.columns = next; next += q * n;
            w.eta = next; next += n;
            w.weight = next; next += n;
            w.residual = next; next += n;
            w.weighted = next; next += n;
            w.scale = next; next += q;
            w.beta = next; next += q;
            w.gradient = next; next += q;
            w.hessian = next;
        }
        #pragma omp for schedule(dynamic, 16)
        for (int b = 0; b < problems; b++) {
            if (!buffer) continue;
            steps[b] = fit(X + (size_t)b * n * p, y + (size_t)b * n, w, n, p, l2, tol);
            memcpy(coef + b * q, w.beta, q * sizeof(float));
        }
        free(buffer);
    }
    return failed;
}
